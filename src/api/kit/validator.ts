import { Ajv, type ValidateFunction } from 'ajv'
import { declareFault } from '#base'
import { type Complaint, explain, numberOf } from './explain.ts'
import { formats } from './formats.ts'
import type { JsonSchema } from './json-schema.ts'
import { pythonStr } from './python-repr.ts'

/** The request does not have the shape its microversion asks for. */
export const ValidationError = declareFault('ValidationError', 'refused', (p: { detail: string }) => p.detail)

function createAjv(): Ajv {
  const ajv = new Ajv({
    strict: false,
    messages: false,
    unicodeRegExp: false,
    ownProperties: true,
    addUsedSchema: false,
  })
  for (const [name, check] of Object.entries(formats)) ajv.addFormat(name, value => check(value) === true)
  const ranged = (keyword: string, test: (n: number, bound: number) => boolean): void => {
    ajv.removeKeyword(keyword)
    ajv.addKeyword({
      keyword,
      compile: (bound: number) => (value: unknown) => {
        const n = numberOf(value)
        return n === undefined || test(n, bound)
      },
    })
  }
  ranged('minimum', (n, bound) => n >= bound)
  ranged('maximum', (n, bound) => n <= bound)
  ranged('exclusiveMinimum', (n, bound) => n > bound)
  return ajv
}

let ajv: Ajv | undefined
const compiled = new Map<string, ValidateFunction>()

/** One validator per distinct schema, compiled when first needed: a shape costs about 10 ms. */
function validateWith(schema: JsonSchema): ValidateFunction {
  const key = JSON.stringify(schema)
  const known = compiled.get(key)
  if (known !== undefined) return known
  ajv ??= createAjv()
  const validate = ajv.compile(schema)
  compiled.set(key, validate)
  return validate
}

/** How many validators have been compiled so far. */
export const compiledValidators = (): number => compiled.size

function sentence(complaint: Complaint, where: 'body' | 'query'): string {
  if (complaint.sentence !== undefined) return complaint.sentence
  const { path, value, message } = complaint
  if (path.length === 0) return message
  // A query parameter is a list of strings: its name comes first in the path, the index is of no interest.
  return where === 'body'
    ? `Invalid input for field/attribute ${path.at(-1)}. Value: ${pythonStr(value)}. ${message}`
    : `Invalid input for query parameters ${path[0]}. Value: ${pythonStr(value)}. ${message}`
}

/** A check that throws ValidationError in Nova's words. */
export function validator(schema: JsonSchema, where: 'body' | 'query'): (value: unknown) => void {
  let validate: ValidateFunction | undefined
  return value => {
    validate ??= validateWith(schema)
    if (validate(value) === true) return
    const complaint = explain(schema, value)
    throw ValidationError({ detail: complaint === undefined ? 'Invalid input received.' : sentence(complaint, where) })
  }
}
