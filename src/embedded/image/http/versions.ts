import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendJson } from '#http'
import { type Parts } from './exchange.ts'

/** What Glance 25 announces with one store and no cache. */
const older = ['2.9', '2.7', '2.6', '2.5', '2.4', '2.3', '2.2', '2.1', '2.0']

/** The version documents, which anybody may read. */
export function versionRoutes(parts: Parts, baseUrl: (request: FastifyRequest) => string): void {
  const document = (request: FastifyRequest) => {
    const links = [{ rel: 'self', href: `${baseUrl(request)}/v2/` }]
    return {
      versions: [
        { id: 'v2.15', status: 'CURRENT', links },
        ...older.map(id => ({ id: `v${id}`, status: 'SUPPORTED', links })),
      ],
    }
  }
  const answer = (status: number) => (request: FastifyRequest, reply: FastifyReply) =>
    sendJson(reply, status, document(request))
  for (const url of ['/', '/v2', '/v2/']) parts.face.route({ method: ['GET', 'HEAD'], url, handler: answer(300) })
  parts.face.route({ method: ['GET', 'HEAD'], url: '/versions', handler: answer(200) })
}
