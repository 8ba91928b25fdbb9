import { formats } from './formats.ts'
import type { JsonSchema } from './json-schema.ts'
import { pythonRepr } from './python-repr.ts'

/**
 * Says what is wrong with a value in the words of python-jsonschema, whose sentences Nova passes on to its clients.
 * Only runs after the compiled validator has refused, so it may be slow and plain. It reports the first error in the
 * order of the schema's keywords, as Nova's validator does.
 */
export interface Complaint {
  readonly path: readonly (string | number)[]
  readonly value: unknown
  readonly message: string
  /** Set for names: the whole sentence Nova answers with. */
  readonly sentence?: string
}

type Path = readonly (string | number)[]
type Keyword = (argument: unknown, value: unknown, schema: JsonSchema, path: Path) => Complaint | undefined

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const typeTests: Record<string, (value: unknown) => boolean> = {
  string: v => typeof v === 'string',
  integer: v => Number.isInteger(v),
  number: v => typeof v === 'number',
  boolean: v => typeof v === 'boolean',
  null: v => v === null,
  array: v => Array.isArray(v),
  object: isObject,
}

/** Numbers, and numbers written as strings: Nova checks ranges on both. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'string' || value.trim() === '') return undefined
  const n = Number(value)
  return Number.isNaN(n) ? undefined : n
}

const lengthOf = (value: string): number => [...value].length
const quoted = (names: readonly string[]): string => names.map(pythonRepr).join(', ')
const wereUnexpected = (names: readonly string[]): string =>
  `(${quoted(names)} ${names.length === 1 ? 'was' : 'were'} unexpected)`

const complain =
  (
    test: (argument: never, value: unknown) => boolean,
    sentence: (argument: unknown, value: unknown) => string,
  ): Keyword =>
  (argument, value, _schema, path) =>
    test(argument as never, value) ? undefined : { path, value, message: sentence(argument, value) }

const range = (test: (n: number, bound: number) => boolean, words: string): Keyword =>
  function ranged(bound, value, _schema, path) {
    const n = numberOf(value)
    if (n === undefined || test(n, bound as number)) return undefined
    return { path, value, message: `${pythonRepr(n)} is ${words} of ${pythonRepr(bound)}` }
  }

function extras(value: Record<string, unknown>, schema: JsonSchema): string[] {
  const known = (schema['properties'] ?? {}) as Record<string, unknown>
  const patterns = Object.keys((schema['patternProperties'] ?? {}) as object).map(pattern => new RegExp(pattern))
  return Object.keys(value).filter(key => !Object.hasOwn(known, key) && !patterns.some(p => p.test(key)))
}

function additional(argument: unknown, value: unknown, schema: JsonSchema, path: Path): Complaint | undefined {
  if (!isObject(value)) return undefined
  const names = extras(value, schema)
  if (isObject(argument)) return first(names, name => explain(argument, value[name], [...path, name]))
  if (argument !== false || names.length === 0) return undefined
  names.sort()
  if (schema['patternProperties'] === undefined) {
    return { path, value, message: `Additional properties are not allowed ${wereUnexpected(names)}` }
  }
  const patterns = quoted(Object.keys(schema['patternProperties'] as object).sort())
  const verb = names.length === 1 ? 'does' : 'do'
  return { path, value, message: `${quoted(names)} ${verb} not match any of the regexes: ${patterns}` }
}

function checkFormat(argument: unknown, value: unknown, _schema: JsonSchema, path: Path): Complaint | undefined {
  if (typeof value !== 'string') return undefined
  const verdict = formats[argument as keyof typeof formats](value)
  if (verdict === true) return undefined
  const message = `${pythonRepr(value)} is not a ${pythonRepr(argument)}`
  if (verdict === false) return { path, value, message }
  return { path, value, message, sentence: `An invalid 'name' value was provided. The name must be: ${verdict}` }
}

const fits = (schema: JsonSchema, value: unknown): boolean => explain(schema, value, []) === undefined

const noneFits: Keyword = (argument, value, _schema, path) =>
  (argument as JsonSchema[]).some(schema => fits(schema, value))
    ? undefined
    : { path, value, message: `${pythonRepr(value)} is not valid under any of the given schemas` }

const notExactlyOne: Keyword = (argument, value, schema, path) => {
  const fitting = (argument as JsonSchema[]).filter(s => fits(s, value))
  if (fitting.length < 2) return noneFits(argument, value, schema, path)
  const [head, ...tail] = fitting
  return {
    path,
    value,
    message: `${pythonRepr(value)} is valid under each of ${[...tail, head].map(pythonRepr).join(', ')}`,
  }
}

function first<T>(items: readonly T[], find: (item: T, index: number) => Complaint | undefined): Complaint | undefined {
  for (const [index, item] of items.entries()) {
    const complaint = find(item, index)
    if (complaint !== undefined) return complaint
  }
  return undefined
}

const items: Keyword = (argument, value, _schema, path) => {
  if (!Array.isArray(value)) return undefined
  const schemas = argument as JsonSchema | JsonSchema[]
  return first(value, (item, index) => {
    const schema = Array.isArray(schemas) ? schemas[index] : schemas
    return schema === undefined ? undefined : explain(schema, item, [...path, index])
  })
}

const keywords: Record<string, Keyword> = {
  type(argument, value, _schema, path) {
    const types = [argument].flat() as string[]
    if (types.some(type => typeTests[type]?.(value))) return undefined
    return { path, value, message: `${pythonRepr(value)} is not of type ${quoted(types)}` }
  },
  minLength: complain(
    (n: number, v) => typeof v !== 'string' || lengthOf(v) >= n,
    (_, v) => `${pythonRepr(v)} is too short`,
  ),
  maxLength: complain(
    (n: number, v) => typeof v !== 'string' || lengthOf(v) <= n,
    (_, v) => `${pythonRepr(v)} is too long`,
  ),
  pattern: complain(
    (p: string, v) => typeof v !== 'string' || new RegExp(p).test(v),
    (p, v) => `${pythonRepr(v)} does not match ${pythonRepr(p)}`,
  ),
  minimum: range((n, bound) => n >= bound, 'less than the minimum'),
  maximum: range((n, bound) => n <= bound, 'greater than the maximum'),
  exclusiveMinimum: range((n, bound) => n > bound, 'less than or equal to the minimum'),
  format: checkFormat,
  enum: complain(
    (list: unknown[], v) => list.includes(v),
    (list, v) => `${pythonRepr(v)} is not one of ${pythonRepr(list)}`,
  ),
  minItems: complain(
    (n: number, v) => !Array.isArray(v) || v.length >= n,
    (_, v) => `${pythonRepr(v)} is too short`,
  ),
  maxItems: complain(
    (n: number, v) => !Array.isArray(v) || v.length <= n,
    (_, v) => `${pythonRepr(v)} is too long`,
  ),
  uniqueItems: complain(
    (_, v) => !Array.isArray(v) || new Set(v.map(item => JSON.stringify(item))).size === v.length,
    (_, v) => `${pythonRepr(v)} has non-unique elements`,
  ),
  items,
  additionalItems(_argument, value, schema, path) {
    const known = schema['items'] as unknown[]
    if (!Array.isArray(value) || value.length <= known.length) return undefined
    const names = value.slice(known.length).map(pythonRepr)
    const verb = names.length === 1 ? 'was' : 'were'
    return { path, value, message: `Additional items are not allowed (${names.join(', ')} ${verb} unexpected)` }
  },
  properties(argument, value, _schema, path) {
    if (!isObject(value)) return undefined
    return first(Object.entries(argument as Record<string, JsonSchema>), ([name, schema]) =>
      Object.hasOwn(value, name) ? explain(schema, value[name], [...path, name]) : undefined,
    )
  },
  patternProperties(argument, value, _schema, path) {
    if (!isObject(value)) return undefined
    return first(Object.entries(argument as Record<string, JsonSchema>), ([pattern, schema]) =>
      first(Object.keys(value), key =>
        new RegExp(pattern).test(key) ? explain(schema, value[key], [...path, key]) : undefined,
      ),
    )
  },
  required(argument, value, _schema, path) {
    if (!isObject(value)) return undefined
    const missing = (argument as string[]).find(name => !Object.hasOwn(value, name))
    return missing === undefined ? undefined : { path, value, message: `${pythonRepr(missing)} is a required property` }
  },
  additionalProperties: additional,
  minProperties: complain(
    (n: number, v) => !isObject(v) || Object.keys(v).length >= n,
    (_, v) => `${pythonRepr(v)} does not have enough properties`,
  ),
  maxProperties: complain(
    (n: number, v) => !isObject(v) || Object.keys(v).length <= n,
    (_, v) => `${pythonRepr(v)} has too many properties`,
  ),
  anyOf: noneFits,
  oneOf: notExactlyOne,
  allOf: (argument, value, _schema, path) => first(argument as JsonSchema[], schema => explain(schema, value, path)),
}

/** The first thing wrong with the value, or undefined when it fits. */
export const explain = (schema: JsonSchema, value: unknown, path: Path = []): Complaint | undefined =>
  first(Object.entries(schema), ([keyword, argument]) => keywords[keyword]?.(argument, value, schema, path))
