import type { FastifyRequest } from 'fastify'
import type { Fault, Log } from '#base'
import type { IdentityPort } from '#cloud'
import { createFace, type Face, type FaultAnswer } from '#http'
import type { Core } from '../core.ts'
import { absentRoutes } from './absent.ts'
import { attachmentRoutes } from './attachments.ts'
import { cloudRoutes } from './cloud.ts'
import type { Parts } from './exchange.ts'
import { messageRoutes } from './messages.ts'
import { metadataRoutes } from './metadata.ts'
import { qosRoutes } from './qos.ts'
import { quotaRoutes } from './quotas.ts'
import { snapshotRoutes } from './snapshots.ts'
import { transferRoutes } from './transfers.ts'
import { typeDetailRoutes } from './type-details.ts'
import { typeRoutes } from './types.ts'
import { versionRoutes } from './versions.ts'
import { volumeActionRoutes } from './volume-actions.ts'
import { volumeRoutes } from './volumes.ts'

const names: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}
const hidden = 'The server has either erred or is incapable of performing the requested operation.'

/** Everything in Cinder's words; a 401 is keystonemiddleware's. */
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
  const headers = code === 413 ? { 'retry-after': '0' } : {}
  return { status: code, body: { [names[code] ?? 'computeFault']: body }, headers }
}

function bareFace(log: Log, identityUrl: () => string): Face {
  return createFace({
    log,
    renderFault: fault => faultAnswer(fault, identityUrl()),
    notFound: () => ({
      status: 404,
      body: { message: 'The resource could not be found.', code: '404 Not Found', title: 'Not Found' },
    }),
    requestIdHeaders: ['x-openstack-request-id', 'x-compute-request-id'],
  })
}

/** The public API with all its routes; not listening yet. */
export function createVolumeFace(given: {
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
  volumeRoutes(parts)
  volumeActionRoutes(parts)
  metadataRoutes(parts)
  snapshotRoutes(parts)
  attachmentRoutes(parts)
  typeRoutes(parts)
  typeDetailRoutes(parts)
  qosRoutes(parts)
  transferRoutes(parts)
  quotaRoutes(parts)
  messageRoutes(parts)
  cloudRoutes(parts)
  absentRoutes(parts)
  return face
}
