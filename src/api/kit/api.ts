import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, Log } from '#base'
import type { IdentityPort } from '#cloud'
import { createFace, type Face } from '#http'
import { announce } from './announce.ts'
import type { ApiHooks, ApiOptions, ApiParts, Perform } from './api-parts.ts'
import { baseOf, Exchange } from './exchange.ts'
import type { Endpoint, Resource } from './operation.ts'
import type { PolicyPort } from './policy-port.ts'
import { bareFault, novaFault } from './render-fault.ts'
import { Router } from './router.ts'
import { send, serve } from './serve.ts'
import { minVersion, versionText } from './version.ts'
import { mountVersion, versionChoices, versionDocument, versionList } from './version-documents.ts'

export interface ApiSetup<D> {
  readonly resources: readonly Resource<D>[]
  readonly deps: D
  /** Where an operation is given others than `deps`, by the names in its path; may give it others once more. */
  readonly perform?: Perform<D>
  readonly identity: IdentityPort
  readonly policy: PolicyPort
  readonly log: Log
  readonly clock: Clock
  readonly options?: ApiOptions
  readonly hooks?: ApiHooks
  /** Documents beside the mounts, for anybody: by path and the address they are asked under. */
  readonly pages?: (path: string, base: string) => StaticPage | undefined
}

export interface StaticPage {
  readonly contentType: string
  readonly body: string
}

const mounts = new Set(['/v2.1', '/v2'])

/** The Compute API over these resources, ready to listen. */
export function createApi<D>(setup: ApiSetup<D>): Face {
  const options = { maxLimit: 1000, authUri: '', ...setup.options }
  const endpoints = setup.resources.flatMap(resource => resource.endpoints) as readonly Endpoint<never>[]
  const { identity, policy, log, deps, perform = (_endpoint, _path, work) => work(deps), hooks = {}, pages } = setup
  const parts: ApiParts = {
    router: new Router(endpoints),
    identity,
    policy,
    log,
    perform: perform as Perform<unknown>,
    hooks,
    options,
  }
  const face = createFace({
    log,
    requestIdHeaders: ['x-openstack-request-id', 'x-compute-request-id'],
    ...(options.bodyLimit === undefined ? {} : { bodyLimit: options.bodyLimit }),
    notFound: request => bareFault(404, 'The resource could not be found.', request.headers.accept),
    renderFault: (fault, request) =>
      fault.status === 413 || fault.code === 'UndecodableUrl'
        ? bareFault(fault.status, fault.message, request.headers.accept)
        : novaFault(fault.status, fault.message),
  })
  // Returns nothing: a returned reply would make fastify watch the stream of every answer.
  face.all('/*', (request, reply) => {
    dispatch(parts, pages, request, reply)
  })
  return face
}

/** The path as WSGI sees it: decoded as a whole, so an encoded slash is a slash. */
function decodedPath(url: string): string | undefined {
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** Version documents need no token; everything below a mount goes through the pipeline. */
function dispatch(
  parts: ApiParts,
  pages: ApiSetup<unknown>['pages'],
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const path = decodedPath(request.url)
  if (path === undefined)
    return send(reply, bareFault(400, 'The request could not be decoded.', request.headers.accept))
  const [, first = '', ...words] = path.split('/')
  const mount = `/${first}`
  if (path === '/') return send(reply, versionList(baseOf(parts, request)))
  if (!mounts.has(mount)) {
    const page = request.method === 'GET' ? pages?.(path, baseOf(parts, request)) : undefined
    return send(reply, page === undefined ? versionChoices(baseOf(parts, request), path) : { status: 200, ...page })
  }
  if (words.length === 0 || (words.length === 1 && words[0] === '')) {
    if (mount === '/v2.1') announce(reply, versionText(minVersion))
    return send(reply, { status: 200, body: versionDocument(baseOf(parts, request), mount, mountVersion(mount)) })
  }
  void serve(new Exchange(parts, request, reply, mount, words))
}
