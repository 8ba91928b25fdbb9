import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Fault, type Json, type Log, parseForeignJson } from '#base'
import type { Caller, IdentityPort } from '#cloud'
import { authenticate, createFace, type Face, type FaultAnswer, paramOf, queryOf, reasonOf } from '#http'
import type { Bits } from '../bits.ts'
import { Invalid } from '../faults.ts'
import type { Records } from '../records.ts'
import type { ImageState } from '../store/state.ts'

/** What every handler works with. */
export interface Parts {
  readonly face: Face
  readonly records: Records
  readonly state: ImageState
  readonly bits: Bits
  readonly identity: IdentityPort
  readonly now: () => number
}

/** One authenticated request. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly caller: Caller
  readonly id: string
  readonly query: URLSearchParams
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Handler = (x: Exchange) => FastifyReply | Promise<FastifyReply>

/** The JSON in a request's body. */
export function jsonOf(request: FastifyRequest): Json {
  const raw = request.body
  if (!Buffer.isBuffer(raw) || raw.length === 0) throw Invalid({ reason: 'Body expected in request.' })
  try {
    return parseForeignJson(raw.toString('utf8')) as Json
  } catch {
    throw Invalid({ reason: 'Malformed JSON in request body.' })
  }
}

/** Registers a route that needs a token. */
export function route(
  parts: Parts,
  method: Method,
  url: string,
  handler: Handler,
  at: FastifyInstance = parts.face,
): void {
  at.route({
    method,
    url,
    handler: async (request, reply) => {
      const { caller } = await authenticate(parts.identity, request)
      return handler({ request, reply, caller, id: paramOf(request, 'id'), query: queryOf(request) })
    },
  })
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** An error as webob writes it: JSON for who asks for it, else a page of HTML. */
function errorPage(status: number, message: string, request: FastifyRequest): FaultAnswer {
  const title = reasonOf(status) ?? 'Error'
  const accept = request.headers.accept ?? ''
  if (accept.includes('application/json') && !accept.includes('text/html')) {
    return { status, body: { message, code: `${status} ${title}`, title } }
  }
  const body = `<html>
 <head>
  <title>${status} ${title}</title>
 </head>
 <body>
  <h1>${status} ${title}</h1>
  ${escaped(message)}<br /><br />



 </body>
</html>`
  return { status, body, contentType: 'text/html; charset=UTF-8' }
}

/** The image API without routes; a 401 is worded by keystonemiddleware, everything else by Glance. */
export function createImageFace(log: Log, identityUrl: () => string): Face {
  const renderFault = (fault: Fault, request: FastifyRequest): FaultAnswer => {
    if (fault.status === 401) {
      return {
        status: 401,
        body: { error: { code: 401, title: 'Unauthorized', message: fault.message } },
        headers: { 'www-authenticate': `Keystone uri="${identityUrl()}"` },
      }
    }
    const hidden = 'The server has either erred or is incapable of performing the requested operation.'
    return errorPage(fault.status, fault.status === 500 ? hidden : fault.message, request)
  }
  return createFace({
    log,
    renderFault,
    notFound: request => errorPage(404, 'The resource could not be found.', request),
    requestIdHeaders: ['x-openstack-request-id'],
    bodyLimit: 1_048_576,
  })
}
