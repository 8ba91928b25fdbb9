import { fromJson, isRecord, type Json, type JsonRecord } from '#base'
import { Invalid, MissingAttribute } from '../faults.ts'

export const has = (given: JsonRecord, key: string): boolean => Object.hasOwn(given, key)

/** An object inside an object, or Keystone's 400. */
export function record(given: JsonRecord, key: string, target: string): JsonRecord {
  const value = has(given, key) ? given[key] : undefined
  if (!isRecord(value)) throw MissingAttribute({ attribute: key, target })
  return value
}

export function text(given: JsonRecord, key: string, target: string): string {
  const value = has(given, key) ? given[key] : undefined
  if (typeof value !== 'string') throw MissingAttribute({ attribute: key, target })
  return value
}

/** Text as Python writes it in a message of jsonschema. */
const python = (value: Json): string => {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

const badType = (key: string, value: Json, type: string) =>
  Invalid({ reason: `Invalid input for field '${key}': ${python(value)} is not of type '${type}'` })

export interface TextRule {
  readonly max?: number
  readonly min?: number
}

/** Reads the attributes of a request body one by one; what was not asked for remains for `rest`. */
export class BodyReader {
  readonly #given: JsonRecord
  readonly #asked = new Set<string>(['id', 'links'])

  constructor(given: JsonRecord) {
    this.#given = given
  }

  /** True when the attribute was given, null included. */
  has(key: string): boolean {
    return has(this.#given, key)
  }

  raw(key: string): Json | undefined {
    this.#asked.add(key)
    return this.has(key) ? this.#given[key] : undefined
  }

  /** Undefined when absent; null is refused. */
  text(key: string, rule: TextRule = {}): string | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'string') throw badType(key, value, 'string')
    if (value.length > (rule.max ?? 255))
      throw Invalid({ reason: `Invalid input for field '${key}': '${value.slice(0, 300)}' is too long` })
    if (value.trim().length < (rule.min ?? 0))
      throw Invalid({ reason: `Invalid input for field '${key}': '${value}' is too short` })
    return value
  }

  requiredText(key: string, rule: TextRule = { min: 1 }): string {
    const value = this.text(key, rule)
    if (value === undefined) throw Invalid({ reason: `'${key}' is a required property` })
    return value
  }

  /** Null stays null. */
  nullableText(key: string, rule: TextRule = {}): string | null | undefined {
    if (this.raw(key) === null) return null
    return this.text(key, rule)
  }

  boolean(key: string): boolean | undefined {
    const value = this.raw(key)
    if (value === undefined || typeof value === 'boolean') return value
    throw badType(key, value, 'boolean')
  }

  integer(key: string): number | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (typeof value !== 'number' || !Number.isInteger(value)) throw badType(key, value, 'integer')
    return value
  }

  texts(key: string): string[] | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) throw badType(key, value, 'array')
    return value.map(item => {
      if (typeof item !== 'string') throw badType(key, item, 'string')
      return item
    })
  }

  record(key: string): JsonRecord | undefined {
    const value = this.raw(key)
    if (value === undefined) return undefined
    if (!isRecord(value)) throw badType(key, value, 'object')
    return value
  }

  /** Attributes nobody asked for: Keystone keeps them as they are. */
  rest(): JsonRecord {
    return Object.fromEntries(Object.entries(this.#given).filter(([key]) => !this.#asked.has(key)))
  }
}

/** Old extra attributes with the new ones over them; null removes nothing, as in Keystone. */
export const mergeExtra = (old: string, added: JsonRecord): string =>
  JSON.stringify({ ...fromJson<JsonRecord>(old), ...added })
