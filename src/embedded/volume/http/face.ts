import type { FastifyRequest } from 'fastify'
import type { IdentityPort } from '#cloud'
import { createServiceFace, type Face, faultNames } from '#http'
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

/** The public API with all its routes; not listening yet. */
export function createVolumeFace(given: {
  core: Core
  identity: IdentityPort
  baseUrl: (request: FastifyRequest) => string
}): Face {
  const face = createServiceFace({
    log: given.core.log,
    identity: given.identity,
    names: { ...faultNames, 501: 'notImplemented' },
    notFound: { message: 'The resource could not be found.', code: '404 Not Found', title: 'Not Found' },
    tellsRetryAfter: true,
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
