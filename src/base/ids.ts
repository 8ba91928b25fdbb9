import { createHash, randomBytes, randomUUID } from 'node:crypto'

declare const brand: unique symbol
/** A string that cannot be mixed up with another kind of id. */
export type Branded<Name extends string> = string & { readonly [brand]: Name }

export type InstanceId = Branded<'InstanceId'>
export type HostName = Branded<'HostName'>

export const instanceId = (text: string): InstanceId => text as InstanceId
export const hostName = (text: string): HostName => text as HostName

export const newUuid = (): string => randomUUID()

/** 32 hex digits without dashes: the form of Keystone's ids. */
export const newHexId = (): string => randomBytes(16).toString('hex')

/** `req-<uuid>`, as every OpenStack service prints it. */
export const newRequestId = (): string => `req-${randomUUID()}`

const dashedUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** True for what oslo's is_uuid_like accepts: case, dashes, braces and `urn:uuid:` do not matter. */
/** The same for the same text each time, so that nobody has to look it up. */
export function namedUuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  // The bits that mark a UUID made from something else: version 8.
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`
}

export function isUuidLike(text: string): boolean {
  if (dashedUuid.test(text)) return true
  const bare = text
    .replace('urn:', '')
    .replace('uuid:', '')
    .replace(/^[{]|[}]$/g, '')
    .replaceAll('-', '')
  return /^[0-9a-f]{32}$/i.test(bare)
}
