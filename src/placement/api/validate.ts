import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { isUuidLike, parseForeignJson } from '#base'
import { badRequest } from './errors.ts'
import type { Cuts, Schema } from './schemas/words.ts'

const ajv = new Ajv({ strict: false, verbose: true, formats: { uuid: isUuidLike } })
const compiled = new WeakMap<Schema, ValidateFunction>()

/** Compiled on first use: a validator costs milliseconds, and a process meets few of them. */
function validatorOf(schema: Schema): ValidateFunction {
  let validator = compiled.get(schema)
  if (validator === undefined) compiled.set(schema, (validator = ajv.compile(schema)))
  return validator
}

const quoted = (value: unknown): string => {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

/** ajv's findings in the words of the Python library, which clients and tests match. */
const sentences: Readonly<Record<string, (error: ErrorObject) => string>> = {
  required: e => `'${e.params['missingProperty']}' is a required property`,
  additionalProperties: e =>
    `Additional properties are not allowed ('${e.params['additionalProperty']}' was unexpected)`,
  type: e => `${quoted(e.data)} is not of type ${[e.params['type']].flat().map(quoted).join(', ')}`,
  pattern: e => `${quoted(e.data)} does not match '${e.params['pattern']}'`,
  format: e => `${quoted(e.data)} is not a '${e.params['format']}'`,
  minimum: e => `${quoted(e.data)} is less than the minimum of ${e.params['limit']}`,
  maximum: e => `${quoted(e.data)} is greater than the maximum of ${e.params['limit']}`,
  minLength: e => `${quoted(e.data)} is too short`,
  maxLength: e => `${quoted(e.data)} is too long`,
  minItems: e => `${quoted(e.data)} is too short`,
  minProperties: e => `${quoted(e.data)} does not have enough properties`,
  uniqueItems: e => `${quoted(e.data)} has non-unique elements`,
  enum: e => `${quoted(e.data)} is not one of [${(e.params['allowedValues'] as unknown[]).map(quoted).join(', ')}]`,
  anyOf: e => `${quoted(e.data)} is not valid under any of the given schemas`,
}

function describe(errors: readonly ErrorObject[]): string {
  const error = errors.at(-1)
  if (error === undefined) return 'unknown error'
  const path = error.instancePath.split('/').slice(1)
  const where = path.length === 0 ? '' : `  On instance${path.map(part => `['${part}']`).join('')}`
  return `${sentences[error.keyword]?.(error) ?? error.message}${where}`
}

function check(cuts: Cuts, minor: number, value: unknown, complaint: string): void {
  const schema = cuts.find(([since]) => minor >= since)?.[1]
  if (schema === undefined) return
  const validator = validatorOf(schema)
  if (!validator(value)) throw badRequest(`${complaint}: ${describe(validator.errors ?? [])}`)
}

/** The JSON body, in the shape that the version's schema says. */
export function readBody(body: unknown, cuts: Cuts, minor: number): unknown {
  let value: unknown
  try {
    value = parseForeignJson(Buffer.isBuffer(body) ? body.toString('utf8') : '')
  } catch (error) {
    throw badRequest(`Malformed JSON: ${error instanceof Error ? error.message : ''}`)
  }
  check(cuts, minor, value, 'JSON does not validate')
  return value
}

/** The query string; of a repeated key the last value is checked, as the original does. */
export function readQuery(url: string, cuts: Cuts | undefined, minor: number): URLSearchParams {
  const mark = url.indexOf('?')
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
  if (cuts !== undefined) check(cuts, minor, Object.fromEntries(query), 'Invalid query string parameters')
  return query
}
