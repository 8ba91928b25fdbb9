import type { FastifyRequest } from 'fastify'
import type { Parts } from './exchange.ts'

const version = (baseUrl: string) => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${baseUrl}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

/** The version documents, which anybody may read. */
export function versionRoutes(parts: Parts): void {
  const at = (request: FastifyRequest): string => parts.baseUrl(request)
  parts.face.route({
    method: ['GET', 'HEAD'],
    url: '/',
    handler: (request, reply) =>
      reply
        .code(300)
        .headers({ vary: 'X-Auth-Token', location: `${at(request)}/v3/` })
        .type('application/json')
        .send(JSON.stringify({ versions: { values: [version(at(request))] } })),
  })
  for (const url of ['/v3', '/v3/']) {
    parts.face.route({
      method: ['GET', 'HEAD'],
      url,
      handler: (request, reply) =>
        reply
          .header('vary', 'X-Auth-Token')
          .type('application/json')
          .send(JSON.stringify({ version: version(at(request)) })),
    })
  }
}
