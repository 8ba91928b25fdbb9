/**
 * Facts of Nova's master of August 2026, made from its payload classes and samples: what each type carries, and the fields of each
 * object. What the declarations say has to agree, and so has what listeners hear.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromJson } from '#base'
import type { Json } from '../api/harness.ts'
import type { Notification } from './listener.ts'

interface Golden {
  readonly events: Readonly<
    Record<string, { readonly payload: string; readonly priority: string; readonly sources: readonly string[] }>
  >
  readonly payloads: Readonly<Record<string, { readonly version: string; readonly fields: Record<string, string> }>>
}

export const golden = fromJson<Golden>(readFileSync(join(import.meta.dirname, 'samples.golden.json'), 'utf8'))
// Declared by Nova, and never set: it is in no message of Nova's.
delete golden.payloads['RequestSpecPayload']?.fields['image_meta']
/** Bases of others, never in a message by themselves. */
for (const name of ['NotificationPayload', 'NotificationPayloadBase'])
  delete (golden.payloads as Record<string, unknown>)[name]

/** Objects that leave out what is not known. */
const sparse = new Set(['ImageMetaPropsPayload', 'DestinationPayload'])
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

const isText = (value: Json) => typeof value === 'string'
const checks: Readonly<Record<string, (value: Json) => boolean>> = {
  string: isText,
  integer: value => Number.isInteger(value),
  float: value => typeof value === 'number',
  boolean: value => typeof value === 'boolean',
  datetime: value => isText(value) && time.test(value),
  strings: value => Array.isArray(value) && value.every(isText),
  dict: value => Object.values(value).every(isText),
  integers: value => Object.values(value).every(Number.isInteger),
  lists: value => typeof value === 'object',
  set: value => Array.isArray(value) && value.every(Number.isInteger),
  specs: value => Array.isArray(value) && value.every(item => typeof item === 'object'),
}

function checkValue(value: Json, field: string, at: string): void {
  if (value === null) return assert.ok(field.endsWith('?'), `${at} is null`)
  const kind = field.replace(/\?$/, '')
  const [many, name = ''] = kind.split(' ')
  if (many === 'object') return checkObject(value, name, at)
  if (many === 'objects') return value.forEach((item: Json, i: number) => checkObject(item, name, `${at}[${i}]`))
  assert.ok(checks[kind]?.(value), `${at} is no ${kind}: ${JSON.stringify(value)}`)
}

/** The object and everything in it is as Nova's would be. */
export function checkObject(found: Json, name: string, at = name): void {
  const known = golden.payloads[name]
  assert.ok(known !== undefined, `${at}: there is no ${name}`)
  assert.deepEqual(Object.keys(found).sort(), [
    'nova_object.data',
    'nova_object.name',
    'nova_object.namespace',
    'nova_object.version',
  ])
  assert.equal(found['nova_object.name'], name, at)
  assert.equal(found['nova_object.namespace'], 'nova', at)
  assert.equal(found['nova_object.version'], known.version, at)
  const data = found['nova_object.data']
  const unknown = Object.keys(data).filter(field => known.fields[field] === undefined)
  assert.deepEqual(unknown, [], `${at} has fields of its own`)
  for (const [field, kind] of Object.entries(known.fields)) {
    if (data[field] === undefined) assert.ok(sparse.has(name), `${at}.${field} is missing`)
    else checkValue(data[field], kind, `${at}.${field}`)
  }
}

/** A notification as oslo.messaging has given it to its listener. */
export function checkNotification({
  event_type: type,
  priority,
  publisher_id: publisher,
  payload,
}: Notification): void {
  const known = golden.events[type]
  assert.ok(known !== undefined, `there is no ${type}`)
  assert.equal(priority, known.priority.toLowerCase(), type)
  const source = publisher.split(':')[0] ?? ''
  const isOfService = type.startsWith('service.')
  const isKnown = known.sources.includes(source) || (type === 'compute.exception' && source === 'nova-compute')
  assert.ok(isOfService || isKnown, `${type} is published by ${publisher}`)
  assert.match(publisher, /^nova-[a-z]+:.+$/)
  checkObject(payload, known.payload, type)
}
