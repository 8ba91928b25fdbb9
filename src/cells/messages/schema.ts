import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { CellMessageMalformed } from '../faults.ts'

/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>

const ajv = new Ajv({ strict: false })
const compiled = new Map<Schema, ValidateFunction>()

const placeOf = ({ instancePath, message = 'is wrong' }: ErrorObject): string =>
  `${instancePath === '' ? 'it' : instancePath} ${message}`

/** Throws `CellMessageMalformed`, which names the place and no value: there may be secrets in it. */
export function check(what: string, schema: Schema, value: unknown): void {
  let validate = compiled.get(schema)
  if (validate === undefined) compiled.set(schema, (validate = ajv.compile(schema)))
  if (validate(value)) return
  throw CellMessageMalformed({ what, reason: validate.errors?.map(placeOf).join(', ') ?? 'it is wrong' })
}

export const text: Schema = { type: 'string' }
export const integer: Schema = { type: 'integer' }
export const boolean: Schema = { type: 'boolean' }
export const nothing: Schema = { type: 'null' }
export const anything: Schema = {}
export const listOf = (items: Schema): Schema => ({ type: 'array', items })
export const dictionary = (values: Schema): Schema => ({ type: 'object', additionalProperties: values })
export const nullable = (schema: Schema): Schema => ({ anyOf: [schema, nothing] })

/** All of `required`, and maybe `optional`; more may come with newer releases. */
export const object = (
  required: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema => ({ type: 'object', properties: { ...required, ...optional }, required: Object.keys(required) })
