import type { FastifyReply, FastifyRequest } from 'fastify'
import { Invalid, Unacceptable } from '../faults.ts'

/** The first Manila whose rules carry locks: what Nova asks for. */
export const newest = 82
const header = 'X-OpenStack-Manila-API-Version'

/** The minor number that a request asks for; 0 when it asks for none. The reply says which it was. */
export function versionOf(request: FastifyRequest, reply: FastifyReply): number {
  reply.header('vary', header)
  const minor = asked(request)
  reply.header(header, `2.${minor}`)
  return minor
}

function asked(request: FastifyRequest): number {
  const value = request.headers[header.toLowerCase()]
  const text = (Array.isArray(value) ? value.join(',') : (value ?? '')).trim()
  if (text === '') return 0
  if (text === 'latest') return newest
  const match = /^([1-9]\d*)\.([1-9]\d*|0)$/.exec(text)
  if (match === null) {
    throw Invalid({ reason: `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.` })
  }
  const minor = Number(match[2])
  if (match[1] !== '2' || minor > newest) {
    throw Unacceptable({
      reason: `Version ${text} is not supported by the API. Minimum is 2.0 and maximum is 2.${newest}.`,
    })
  }
  return minor
}

/** These fields since that microversion. */
export const since = <T extends object>(x: { version: number }, minor: number, fields: T): T | object =>
  x.version >= minor ? fields : {}
