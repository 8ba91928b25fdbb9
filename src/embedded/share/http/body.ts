import type { FastifyRequest } from 'fastify'
import { isRecord, type Json, type JsonRecord, parseForeignJson } from '#base'
import { BadType, Invalid, Unprocessable } from '../faults.ts'

const malformed = () => Invalid({ reason: 'Malformed request body' })
/** Database integers. */
const largest = 0x7fffffff
const truths = ['true', '1', 'on', 'yes', 'y', 't']
const falsehoods = ['false', '0', 'off', 'no', 'n', 'f']

/** The JSON object of a request. */
export function jsonOf(request: FastifyRequest): JsonRecord {
  const raw = request.body
  if (!Buffer.isBuffer(raw) || raw.length === 0) throw malformed()
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') throw BadType({})
  let body: Json
  try {
    body = parseForeignJson(raw.toString('utf8')) as Json
  } catch {
    throw malformed()
  }
  if (!isRecord(body)) throw malformed()
  return body
}

/** The object under a name of the body. */
export function recordIn(body: JsonRecord, name: string): JsonRecord {
  const value = body[name]
  if (!isRecord(value)) throw Unprocessable({ reason: `'${name}' is missing from the request body.` })
  return value
}

const wrong = (name: string, what: string) => Invalid({ reason: `Invalid input for field/attribute ${name}. ${what}` })

/** Undefined when it is missing or null. */
export function textOf(record: JsonRecord, name: string, max = 255): string | undefined {
  const value = record[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw wrong(name, `Value: ${JSON.stringify(value)} is not of type 'string'`)
  if (value.length > max) throw wrong(name, `Value: '${value.slice(0, 60)}…' is too long`)
  return value
}

export function requiredText(record: JsonRecord, name: string, max = 255): string {
  const text = textOf(record, name, max)
  if (text === undefined || text === '') throw wrong(name, `'${name}' is a required property`)
  return text
}

export function wholeOf(record: JsonRecord, name: string, min: number): number {
  const value = record[name]
  const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value
  if (typeof number !== 'number' || !Number.isInteger(number))
    throw wrong(name, `Value: ${JSON.stringify(value ?? null)} is not of type 'integer'`)
  if (number < min || number > largest) throw wrong(name, `Value: ${number} must be at least ${min}`)
  return number
}

/** A boolean in any of oslo's spellings; undefined when it is missing or null. */
export function truthOf(record: JsonRecord, name: string): boolean | undefined {
  const value = record[name]
  if (value === undefined || value === null) return undefined
  const text = typeof value === 'boolean' || typeof value === 'string' ? String(value).toLowerCase() : ''
  if (truths.includes(text)) return true
  if (falsehoods.includes(text)) return false
  throw wrong(name, `Value: ${JSON.stringify(value)} is not a boolean`)
}

/** Short texts by short keys. */
export function textsOf(record: JsonRecord, name: string): Record<string, string> | undefined {
  const value = record[name]
  if (value === undefined || value === null) return undefined
  if (!isRecord(value)) throw wrong(name, `Value: ${JSON.stringify(value)} is not of type 'object'`)
  const texts: Record<string, string> = {}
  for (const [key, text] of Object.entries(value)) {
    if (key === '' || key.length > 255) throw Invalid({ reason: `Invalid metadata size: Key is blank or too long.` })
    if (typeof text !== 'string') throw wrong(key, `Value: ${JSON.stringify(text)} is not of type 'string'`)
    if (text.length > 1023) throw Invalid({ reason: `Invalid metadata size: Value of ${key} is too long.` })
    texts[key] = text
  }
  return texts
}
