import type { FastifyRequest } from 'fastify'
import { isRecord, isUuidLike, type Json, type JsonRecord, parseForeignJson } from '#base'
import { BadType, Invalid } from '../faults.ts'

const malformed = () => Invalid({ reason: 'Malformed request body' })

/** The JSON object of a request. */
export function jsonOf(request: FastifyRequest): JsonRecord {
  const raw = request.body
  if (!Buffer.isBuffer(raw) || raw.length === 0) throw malformed()
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json' && type !== 'application/vnd.openstack.volume+json') throw BadType({})
  let body: Json
  try {
    body = parseForeignJson(raw.toString('utf8')) as Json
  } catch {
    throw malformed()
  }
  if (!isRecord(body)) throw malformed()
  return body
}

const shown = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

export const badField = (name: string, value: Json, why: string) =>
  Invalid({ reason: `Invalid input for field/attribute ${name}. Value: ${shown(value)}. ${why}` })

const truths = ['true', '1', 'on', 'yes', 'y', 't']
const falsehoods = ['false', '0', 'off', 'no', 'n', 'f']
const quoted = (value: Json): string => (typeof value === 'string' ? `'${value}'` : JSON.stringify(value))
/** Database integers. */
const largest = 0x7fffffff

/** The fields of one object of a body, read one by one; what is wrong is told in jsonschema's words. */
export class Fields {
  readonly name: string
  readonly record: JsonRecord

  constructor(name: string, record: JsonRecord) {
    this.name = name
    this.record = record
  }

  /** `body[name]`, which must be an object; with `only`, nothing may lie beside it. */
  static of(body: JsonRecord, name: string): Fields {
    const value = body[name]
    if (value === undefined)
      throw Invalid({ reason: `Invalid input for field/attribute body. '${name}' is a required property` })
    if (!isRecord(value)) throw badField(name, value, `${quoted(value)} is not of type 'object'`)
    return new Fields(name, value)
  }

  has(name: string): boolean {
    return this.record[name] !== undefined
  }

  only(...names: readonly string[]): this {
    const strange = Object.keys(this.record).find(key => !names.includes(key))
    if (strange === undefined) return this
    throw badField(this.name, this.record, `Additional properties are not allowed ('${strange}' was unexpected)`)
  }

  /** Undefined when it is missing or null. */
  text(name: string, bounds: { min?: number; max?: number } = {}): string | undefined {
    const value = this.record[name]
    if (value === undefined || value === null) return undefined
    if (typeof value !== 'string') throw badField(name, value, `${quoted(value)} is not of type 'string'`)
    if (value.length < (bounds.min ?? 0)) throw badField(name, value, `'${value}' is too short`)
    if (value.length > (bounds.max ?? 255)) throw badField(name, value, `'${value}' is too long`)
    return value
  }

  required(name: string, bounds: { min?: number; max?: number } = { min: 1 }): string {
    return this.text(name, bounds) ?? this.#missing(name)
  }

  uuid(name: string): string | undefined {
    const value = this.text(name)
    if (value !== undefined && !isUuidLike(value)) throw badField(name, value, `'${value}' is not a 'uuid'`)
    return value
  }

  requiredUuid(name: string): string {
    return this.uuid(name) ?? this.#missing(name)
  }

  flag(name: string): boolean | undefined {
    const value = this.record[name]
    if (value === undefined || value === null) return undefined
    const text = String(value).toLowerCase()
    if ((typeof value === 'boolean' || typeof value === 'string') && truths.includes(text)) return true
    if ((typeof value === 'boolean' || typeof value === 'string') && falsehoods.includes(text)) return false
    throw badField(name, value, `${quoted(value)} is not one of [True, False]`)
  }

  /** A whole number, also as a text. */
  integer(name: string, min: number): number | undefined {
    const value = this.record[name]
    if (value === undefined || value === null) return undefined
    const isWhole =
      typeof value === 'number' ? Number.isInteger(value) : typeof value === 'string' && /^-?\d+$/.test(value)
    if (!isWhole) throw badField(name, value, `${quoted(value)} is not of type 'integer'`)
    const number = Number(value)
    if (number < min) throw badField(name, value, `${quoted(value)} is less than the minimum of ${min}`)
    if (number > largest) throw badField(name, value, `${quoted(value)} is greater than the maximum of ${largest}`)
    return number
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const value = this.record[name]
    if (value === undefined || value === null) return undefined
    const found = values.find(known => known === value)
    if (found !== undefined) return found
    throw badField(name, value, `${quoted(value)} is not one of ['${values.join("', '")}']`)
  }

  object(name: string): JsonRecord | undefined {
    const value = this.record[name]
    if (value === undefined || value === null) return undefined
    if (!isRecord(value)) throw badField(name, value, `${quoted(value)} is not of type 'object'`)
    return value
  }

  /** Metadata: short texts by short keys. */
  texts(name: string, key = /^[a-zA-Z0-9\-_:. /]{1,255}$/): Record<string, string> | undefined {
    const value = this.object(name)
    return value === undefined ? undefined : textsOf(name, value, key)
  }

  #missing(name: string): never {
    throw badField(this.name, this.record, `'${name}' is a required property`)
  }
}

export function textsOf(
  name: string,
  value: JsonRecord,
  key: RegExp = /^[a-zA-Z0-9\-_:. /]{1,255}$/,
): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [at, item] of Object.entries(value)) {
    if (!key.test(at)) throw badField(name, value, `'${at}' does not match any of the regexes: '${key.source}'`)
    if (typeof item !== 'string') throw badField(at, item, `${quoted(item)} is not of type 'string'`)
    if (item.length > 255) throw badField(at, item, `'${item}' is too long`)
    texts[at] = item
  }
  return texts
}
