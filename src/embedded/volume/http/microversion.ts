import type { FastifyReply, FastifyRequest } from 'fastify'
import { Invalid, Unacceptable } from '../faults.ts'

/** Cinder 21 (Zed). */
export const newest = 70
export const newestUpdated = '2022-08-31T00:00:00Z'
const header = 'OpenStack-API-Version'
const service = 'volume'

/** The minor number that a request asks for; 0 when it asks for none. The reply says which it was. */
export function versionOf(request: FastifyRequest, reply: FastifyReply): number {
  reply.header('vary', header)
  const minor = asked(request)
  reply.header(header, `${service} 3.${minor}`)
  return minor
}

function asked(request: FastifyRequest): number {
  const value = request.headers[header.toLowerCase()]
  const parts = (Array.isArray(value) ? value.join(',') : (value ?? '')).split(',')
  const mine = parts.map(part => part.trim()).find(part => part.startsWith(`${service} `))
  if (mine === undefined) return 0
  const text = mine.slice(service.length).trim()
  if (text === 'latest') return newest
  const match = /^([1-9]\d*)\.([1-9]\d*|0)$/.exec(text)
  if (match === null) {
    throw Invalid({ reason: `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.` })
  }
  const minor = Number(match[2])
  if (match[1] !== '3' || minor > newest) {
    throw Unacceptable({
      reason: `Version ${text} is not supported by the API. Minimum is 3.0 and maximum is 3.${newest}.`,
    })
  }
  return minor
}

/** These fields since that microversion. */
export const since = <T extends object>(x: { version: number }, minor: number, fields: T): T | object =>
  x.version >= minor ? fields : {}
