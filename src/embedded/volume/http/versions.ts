import type { FastifyRequest } from 'fastify'
import { sendJson } from '#http'
import { type Parts } from './exchange.ts'
import { newest, newestUpdated } from './microversion.ts'

/** The version documents, which anybody may read. */
export function versionRoutes(parts: Parts): void {
  const document = (request: FastifyRequest) => ({
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: `3.${newest}`,
        min_version: '3.0',
        updated: newestUpdated,
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${parts.baseUrl(request)}/v3/` },
        ],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
      },
    ],
  })
  const answers = { '/': 300, '/v3': 200, '/v3/': 200 }
  for (const [url, status] of Object.entries(answers)) {
    parts.face.route({
      method: ['GET', 'HEAD'],
      url,
      handler: (request, reply) => sendJson(reply, status, document(request)),
    })
  }
}
