import type { FastifyRequest } from 'fastify'
import type { IdentityPort } from '#cloud'
import { createFace, type Face } from '#http'
import type { Core } from '../core.ts'

export interface FaceParts {
  readonly core: Core
  readonly identity: IdentityPort
  readonly baseUrl: (request: FastifyRequest) => string
}

export function createVolumeFace(parts: FaceParts): Face {
  return createFace({
    log: parts.core.log,
    renderFault: fault => ({ status: fault.status, body: { error: { code: fault.status, message: fault.message } } }),
    notFound: () => ({ status: 404, body: {} }),
  })
}
