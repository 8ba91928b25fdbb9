import type { FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { Clock, Log } from '#base'
import type { Caller, IdentityPort } from '#cloud'
import { authenticate, createFace, type Face } from '#http'
import type { SearchOptions } from '../engine/candidates.ts'
import type { Ledger } from '../ledger.ts'
import { providerOf } from '../operations/inventories.ts'
import {
  badRequest,
  forbidden,
  notAcceptable,
  notAllowed,
  noteVersion,
  notFound,
  renderFault,
  unsupportedMedia,
} from './errors.ts'
import type { Call, Reply, Route, Routes } from './route.ts'
import { routes } from './routes.ts'
import { readBody, readQuery } from './validate.ts'
import { hasBehaviour, readVersion } from './versions.ts'

export interface PlacementFaceOptions {
  readonly ledger: Ledger
  readonly identity: IdentityPort
  readonly log: Log
  readonly clock: Clock
  readonly search: SearchOptions
}

const methods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const operators = ['admin', 'service']

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.join() : value)

function checkAudience(route: Route, caller: Caller | undefined, projectId: string | null): void {
  if (route.audience === 'open') return
  const roles = caller?.roles ?? []
  if (roles.some(role => operators.includes(role))) return
  const isOwnReader = roles.includes('reader') && (caller?.systemScope === true || caller?.projectId === projectId)
  if (route.audience === 'operators-and-project-readers' && isOwnReader) return
  throw forbidden(`Policy does not allow ${route.policy} to be performed.`)
}

/** The original answers JSON only where it answers something; `*` patterns of Accept count. */
function checkAccept(request: FastifyRequest): void {
  const accept = one(request.headers.accept)
  if (accept === undefined || accept === '') return
  const types = accept.split(',').map(entry => entry.split(';')[0]?.trim().toLowerCase())
  if (types.some(type => type === '*/*' || type === 'application/*' || type === 'application/json')) return
  throw notAcceptable('Only application/json is provided')
}

function checkContent(request: FastifyRequest, route: Route | undefined, minor: number): boolean {
  const type = one(request.headers['content-type'])
  if (Number(request.headers['content-length'] ?? 0) > 0 && (type ?? '') === '') {
    throw badRequest('content-type header required when content-length > 0')
  }
  const wanted = route?.body !== undefined && (route.bodyUntil === undefined || minor < route.bodyUntil)
  if (!wanted) return false
  const plain = type?.split(';')[0]?.trim().toLowerCase()
  if (plain !== 'application/json') {
    throw unsupportedMedia(`The media type ${plain ?? 'None'} is not supported, use application/json`)
  }
  return true
}

function send(reply: FastifyReply, answer: Reply, call: Call, nowMs: number): void {
  reply.code(answer.status)
  if (answer.location !== undefined) reply.header('location', `${call.origin}${answer.location}`)
  if (answer.cacheable !== false && call.has('cacheHeaders')) {
    reply.header('last-modified', new Date(answer.modifiedMs ?? nowMs).toUTCString())
    reply.header('cache-control', 'no-cache')
  }
  if (answer.body === undefined) reply.send()
  else reply.type('application/json').send(JSON.stringify(answer.body))
}

/** The public Placement API over a ledger: identify, version, route, authorise, validate, answer. */
export function createPlacementFace(options: PlacementFaceOptions): Face {
  const face = createFace({
    log: options.log,
    renderFault,
    notFound: request => renderFault(notFound(''), request),
    // A reshape of a large cloud is one request.
    bodyLimit: 16 * 1024 * 1024,
  })

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    at: Routes[string] | undefined,
  ): Promise<FastifyReply> {
    const route = at?.[request.method]
    const isOpen = at !== undefined && Object.values(at).every(each => each.audience === 'open')
    const caller = isOpen ? undefined : (await authenticate(options.identity, request)).caller
    const minor = readVersion(one(request.headers['openstack-api-version']))
    noteVersion(request, minor)
    reply.header('openstack-api-version', `placement 1.${minor}`)
    reply.header('vary', 'openstack-api-version')

    const hasBody = checkContent(request, route, minor)
    if (at === undefined) throw notFound('')
    if (route === undefined) {
      const allow = Object.keys(at).join(', ')
      throw notAllowed('The method specified is not allowed for this resource.', undefined, { allow })
    }
    if (request.method === 'GET') checkAccept(request)
    if (minor < (route.since ?? 0)) throw route.before === 405 ? notAllowed('') : notFound('')
    const raw = readQuery(request.url, undefined, minor)
    checkAudience(route, caller, raw.get('project_id'))
    const path = request.params as Record<string, string>
    if (route.providerFirst === true) providerOf(await options.ledger.read(), path['uuid'] ?? '')
    const call: Call = {
      ledger: options.ledger,
      search: options.search,
      path,
      query: readQuery(request.url, route.query, minor),
      body: hasBody ? readBody(request.body, route.body ?? [], minor) : undefined,
      minor,
      origin: `${request.protocol}://${request.host}`,
      has: behaviour => hasBehaviour(minor, behaviour),
    }
    send(reply, await route.answer(call), call, options.clock.now())
    return reply
  }

  for (const [url, at] of Object.entries(routes)) {
    face.route({ method: methods, url, handler: (request, reply) => serve(request, reply, at) })
  }
  face.route({ method: methods, url: '/*', handler: (request, reply) => serve(request, reply, undefined) })
  return face
}
