import { boolish, fitsFormat, type Notation, readObject, readScalar, type ScalarNotation } from './notation.ts'

/** `unknown` where a format has no clear answer for the value: such a value is no case for a comparison. */
export type Verdict = 'accepted' | 'refused' | 'unknown'

const verdict = (isAccepted: boolean): Verdict => (isAccepted ? 'accepted' : 'refused')

/** All must hold: one refusal decides. */
function all(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('refused')) return 'refused'
  return verdicts.includes('unknown') ? 'unknown' : 'accepted'
}

function choose(how: 'oneOf' | 'anyOf', verdicts: readonly Verdict[]): Verdict {
  const yes = verdicts.filter(v => v === 'accepted').length
  if (verdicts.includes('unknown')) return how === 'anyOf' && yes > 0 ? 'accepted' : 'unknown'
  return verdict(how === 'anyOf' ? yes > 0 : yes === 1)
}

const typeTests: Readonly<Record<string, (value: unknown) => boolean>> = {
  str: value => typeof value === 'string',
  string: value => typeof value === 'string',
  int: value => Number.isInteger(value),
  num: value => typeof value === 'number',
  bool: value => typeof value === 'boolean',
  null: value => value === null,
  object: value => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: Array.isArray,
  any: () => true,
}

const hasType = (types: readonly string[], value: unknown): boolean =>
  types.some(type => {
    const fits = typeTests[type]
    if (fits === undefined) throw new Error(`unknown type ${type}`)
    return fits(value)
  })

/** Ranges hold for numbers in strings too; text that is no number is left to the pattern. */
function inRange(scalar: ScalarNotation, value: unknown): boolean {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value))
  if (!isNumber) return true
  const n = Number(value)
  const { low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY, above } = scalar
  return n >= low && n <= high && (above === undefined || n > above)
}

function scalarAccepts(text: string, value: unknown): Verdict {
  if (text === 'any') return 'accepted'
  if (text === 'never') return 'refused'
  if (text === 'boolish') return verdict(boolish.includes(value))
  const scalar = readScalar(text)
  const { types, length, pattern, format } = scalar
  if (!hasType(types, value) || !inRange(scalar, value)) return 'refused'
  if (typeof value !== 'string') return 'accepted'
  const count = [...value].length
  if (length !== undefined && (count < length[0] || count > length[1])) return 'refused'
  if (pattern !== undefined && !new RegExp(pattern).test(value)) return 'refused'
  const fits = format === undefined ? true : fitsFormat(format, value)
  return fits === undefined ? 'unknown' : verdict(fits)
}

const key = (value: unknown): string => JSON.stringify(value)

function listAccepts(shape: { readonly [key: string]: unknown }, value: unknown, drops: boolean): Verdict {
  const others = (shape['or'] as readonly string[] | undefined) ?? []
  if (!Array.isArray(value)) return verdict(others.length > 0 && hasType(others, value))
  const {
    min = 0,
    max = Number.POSITIVE_INFINITY,
    unique = false,
  } = shape as { min?: number; max?: number; unique?: boolean }
  if (value.length < min || value.length > max) return 'refused'
  if (unique && new Set(value.map(key)).size < value.length) return 'refused'
  const items = shape['tuple'] as readonly Notation[] | undefined
  const itemShape = (index: number): Notation => items?.[index] ?? (shape['list'] as Notation | undefined) ?? 'any'
  return all(value.map((item, index) => accepts(itemShape(index), item, drops)))
}

function objectAccepts(shape: { readonly [key: string]: unknown }, value: unknown, drops: boolean): Verdict {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'refused'
  const { fields, patterns, rest, minKeys, maxKeys } = readObject(shape)
  const entries = Object.entries(value)
  if (entries.length < minKeys || entries.length > maxKeys) return 'refused'
  if (fields.some(field => field.isRequired && !Object.hasOwn(value, field.name))) return 'refused'
  // The legacy endpoint drops keys it does not know, where it knows all keys by name.
  const mayDrop = drops && patterns.length === 0
  return all(
    entries.flatMap(([name, inner]) => {
      const known = [
        ...fields.filter(field => field.name === name).map(field => field.shape),
        ...patterns.filter(([pattern]) => new RegExp(pattern).test(name)).map(([, inside]) => inside),
      ]
      if (known.length > 0) return known.map(inside => accepts(inside, inner, drops))
      return rest === 'never' && mayDrop ? [] : [accepts(rest, inner, drops)]
    }),
  )
}

/** What the notation says of a value. `drops`: as the legacy endpoint does with unknown keys. */
export function accepts(shape: Notation, value: unknown, drops = false): Verdict {
  if (typeof shape === 'string') return scalarAccepts(shape, value)
  if (Array.isArray(shape)) return listAccepts({ list: shape[0] }, value, drops)
  const object = shape as { readonly [key: string]: unknown }
  if ('list' in object || 'tuple' in object) return listAccepts(object, value, drops)
  if ('enum' in object) return verdict((object['enum'] as unknown[]).includes(value))
  if ('const' in object) return verdict(object['const'] === value)
  const under = (how: string) => (object[how] as readonly Notation[]).map(choice => accepts(choice, value, drops))
  if ('oneOf' in object) {
    const { type } = object
    return typeof type === 'string' && !hasType([type], value) ? 'refused' : choose('oneOf', under('oneOf'))
  }
  if ('allOf' in object) return all(under('allOf'))
  if ('anyOf' in object) {
    const { base } = object
    const choice = choose('anyOf', under('anyOf'))
    return base === undefined ? choice : all([choice, accepts(base as Notation, value, drops)])
  }
  return objectAccepts(object, value, drops)
}
