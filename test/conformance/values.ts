import * as fc from 'fast-check'
import { accepts } from './accepts.ts'
import { boolish, formatSamples, type Notation, readObject, readScalar, type ScalarNotation } from './notation.ts'

/** Text that some pattern of the reference likes or dislikes. */
const texts =
  `a ab abc a-b a_b a.b a,b a/b A1 1 0 7 -1 -7 100 1.5 x y none auto enable AUTO MANUAL /24 10.0.0.1 fe80::1 /dev/vdb vdb
  root default 2.1 True false é b7b0a5a4-3c33-4b3a-9f5f-3a1a1f6e9a11 host.example.org YQ==`.split(/\s+/)
const leaves: readonly unknown[] = [
  ...texts,
  '',
  ' ',
  ' a',
  'a ',
  'a b',
  0,
  1,
  -1,
  -2,
  1.5,
  true,
  false,
  null,
  [],
  {},
  ['a'],
  { a: 'b' },
]

function around(scalar: ScalarNotation): unknown[] {
  const { low, high, above, length } = scalar
  const numbers = [low, high, above].flatMap(limit => (limit === undefined ? [] : [limit - 1, limit, limit + 1]))
  const sizes = (length ?? []).filter(size => size < 70_000).flatMap(size => [size - 1, size, size + 1])
  return [
    ...numbers.filter(n => Number.isSafeInteger(n)).flatMap(n => [n, String(n)]),
    ...sizes.filter(size => size >= 0).map(size => 'x'.repeat(size)),
  ]
}

/** Nine of ten fit: in a body of many fields, more would leave nothing that is accepted. */
const mostly = (fitting: readonly unknown[], broken: readonly unknown[]): fc.Arbitrary<unknown> => {
  if (fitting.length === 0) return fc.constantFrom(...broken)
  if (broken.length === 0) return fc.constantFrom(...fitting)
  return fc.oneof(
    { weight: 14, arbitrary: fc.constantFrom(...fitting) },
    { weight: 1, arbitrary: fc.constantFrom(...broken) },
  )
}

function sorted(shape: Notation, pool: readonly unknown[]): fc.Arbitrary<unknown> {
  const by = (wanted: string) => pool.filter(value => accepts(shape, value) === wanted)
  return mostly(by('accepted'), by('refused'))
}

function scalarValues(text: string): fc.Arbitrary<unknown> {
  if (text === 'any') return fc.constantFrom(...leaves)
  if (text === 'boolish') return sorted(text, [...boolish, ...leaves])
  const scalar = readScalar(text)
  const { good = [], bad = [] } = scalar.format === undefined ? {} : (formatSamples[scalar.format] ?? {})
  return sorted(text, [...leaves, ...around(scalar), ...good, ...bad])
}

function listValues(shape: { readonly [key: string]: unknown }): fc.Arbitrary<unknown> {
  const [first] = (shape['tuple'] as readonly Notation[] | undefined) ?? []
  const items = (shape['list'] as Notation | undefined) ?? first ?? 'any'
  const { min = 0, max } = shape as { min?: number; max?: number }
  const fitting = fc.array(valuesOf(items), { minLength: min, maxLength: Math.max(min, Math.min(max ?? 2, 2)) })
  const long =
    max !== undefined && max < 60 ? [fc.array(valuesOf(items), { minLength: max + 1, maxLength: max + 1 })] : []
  return fc.oneof(
    { weight: 14, arbitrary: fitting },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...leaves), ...long) },
  )
}

const keySamples = ['a', 'a-b:c. d_1', 'x'.repeat(255), 'x'.repeat(256), 'a/b', 'é', '', 'name', 'id']

/** Fields of an object: required ones hardly ever missing, optional ones now and then, foreign keys rarely. */
function objectValues(shape: { readonly [key: string]: unknown }): fc.Arbitrary<unknown> {
  const { fields, patterns, rest } = readObject(shape)
  const entry = (name: string, values: fc.Arbitrary<unknown>, weight: { absent: number; present: number }) =>
    fc.oneof(
      { weight: weight.present, arbitrary: values.map(value => [[name, value]] as const) },
      { weight: weight.absent, arbitrary: fc.constant([] as const) },
    )
  const known = fields.map(({ name, shape: inner, isRequired }) =>
    entry(name, valuesOf(inner), isRequired ? { absent: 1, present: 30 } : { absent: 3, present: 1 }),
  )
  const keys = patterns.map(([pattern, inner]) => {
    const fits = keySamples.filter(key => new RegExp(pattern).test(key))
    const misses = keySamples.filter(key => !new RegExp(pattern).test(key))
    const name = mostly(fits, misses) as fc.Arbitrary<string>
    return fc.tuple(name, valuesOf(inner)).map(pair => [pair])
  })
  const foreign = entry('not_known', rest === 'never' || rest === 'any' ? fc.constantFrom(...leaves) : valuesOf(rest), {
    absent: 30,
    present: 1,
  })
  const object = fc.tuple(...known, ...keys, foreign).map(parts => Object.fromEntries(parts.flat()))
  return fc.oneof({ weight: 40, arbitrary: object }, { weight: 1, arbitrary: fc.constantFrom(...leaves) })
}

/** Values near a shape: most of them fit it, some miss it by one thing. */
export function valuesOf(shape: Notation): fc.Arbitrary<unknown> {
  if (typeof shape === 'string') return scalarValues(shape)
  if (Array.isArray(shape)) return listValues({ list: shape[0] })
  const object = shape as { readonly [key: string]: unknown }
  if ('list' in object || 'tuple' in object) return listValues(object)
  if ('enum' in object) return sorted(shape, [...(object['enum'] as unknown[]), ...leaves])
  if ('const' in object) return sorted(shape, [object['const'], ...leaves])
  if ('base' in object) return valuesOf(object['base'] as Notation)
  for (const how of ['oneOf', 'anyOf', 'allOf']) {
    if (how in object) return fc.oneof(...(object[how] as readonly Notation[]).map(valuesOf))
  }
  return objectValues(object)
}

/** Raw query strings near a shape: every parameter is a list of strings. */
export function queriesOf(shape: Notation): fc.Arbitrary<Record<string, string[]>> {
  return objectValues(typeof shape === 'string' ? { '*': 'any' } : (shape as { readonly [key: string]: unknown })).map(
    value => {
      const query: Record<string, string[]> = Object.create(null)
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return query
      for (const [name, inner] of Object.entries(value)) {
        const list = Array.isArray(inner) ? inner : [inner]
        query[name] = list.map(item => (typeof item === 'string' ? item : JSON.stringify(item)))
      }
      return query
    },
  )
}
