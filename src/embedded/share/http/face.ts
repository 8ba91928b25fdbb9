import type { FastifyRequest } from 'fastify'
import type { Fault, Log } from '#base'
import type { IdentityPort } from '#cloud'
import { createFace, type Face, type FaultAnswer } from '#http'
import type { Core } from '../core.ts'
import { accessRoutes } from './access.ts'
import { cloudRoutes } from './cloud.ts'
import { type Parts, sendJson } from './exchange.ts'
import { lockRoutes } from './locks.ts'
import { newest } from './microversion.ts'
import { shareRoutes } from './shares.ts'
import { typeRoutes } from './types.ts'

const names: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  422: 'unprocessableEntity',
  503: 'serviceUnavailable',
}
const hidden = 'The server has either erred or is incapable of performing the requested operation.'

/** Everything in Manila's words; a 401 is keystonemiddleware's. */
function faultAnswer(fault: Fault, identityUrl: string): FaultAnswer {
  const { status: code, message } = fault
  if (code === 401) {
    return {
      status: 401,
      body: { error: { code, title: 'Unauthorized', message } },
      headers: { 'www-authenticate': `Keystone uri="${identityUrl}"` },
    }
  }
  const body = { code, message: code === 500 ? hidden : message, ...(code === 413 ? { retryAfter: '0' } : {}) }
  return { status: code, body: { [names[code] ?? 'computeFault']: body } }
}

function bareFace(log: Log, identityUrl: () => string): Face {
  return createFace({
    log,
    renderFault: fault => faultAnswer(fault, identityUrl()),
    notFound: () => ({
      status: 404,
      body: { itemNotFound: { code: 404, message: 'The resource could not be found.' } },
    }),
    requestIdHeaders: ['x-openstack-request-id', 'x-compute-request-id'],
  })
}

/** The version documents, which anybody may read. */
function versionRoutes(parts: Parts): void {
  const document = (request: FastifyRequest) => ({
    versions: [
      {
        id: 'v2.0',
        status: 'CURRENT',
        version: `2.${newest}`,
        min_version: '2.0',
        updated: '2023-08-31T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' },
          { rel: 'self', href: `${parts.baseUrl(request)}/v2/` },
        ],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.share+json;version=1' }],
      },
    ],
  })
  for (const [url, status] of Object.entries({ '/': 300, '/v2': 200, '/v2/': 200 })) {
    parts.face.route({
      method: ['GET', 'HEAD'],
      url,
      handler: (request, reply) => sendJson(reply, status, document(request)),
    })
  }
}

/** The public API with all its routes; not listening yet. */
export function createShareFace(given: {
  core: Core
  identity: IdentityPort
  baseUrl: (request: FastifyRequest) => string
}): Face {
  let identityUrl: string | undefined
  const face = bareFace(given.core.log, () => identityUrl ?? '')
  face.addHook('onRequest', async () => {
    // The catalogue may be filled after this service is made.
    identityUrl ??= await given.identity.endpoint('identity', 'public')
  })
  const parts: Parts = { ...given, face }
  versionRoutes(parts)
  shareRoutes(parts)
  accessRoutes(parts)
  lockRoutes(parts)
  typeRoutes(parts)
  cloudRoutes(parts)
  return face
}
