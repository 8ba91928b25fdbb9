import type { FastifyRequest } from 'fastify'
import type { IdentityPort } from '#cloud'
import { createServiceFace, type Face, faultNames, sendJson } from '#http'
import type { Core } from '../core.ts'
import { accessRoutes } from './access.ts'
import { cloudRoutes } from './cloud.ts'
import { type Parts } from './exchange.ts'
import { lockRoutes } from './locks.ts'
import { newest } from './microversion.ts'
import { shareRoutes } from './shares.ts'
import { typeRoutes } from './types.ts'

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
  const face = createServiceFace({
    log: given.core.log,
    identity: given.identity,
    names: { ...faultNames, 422: 'unprocessableEntity' },
    notFound: { itemNotFound: { code: 404, message: 'The resource could not be found.' } },
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
