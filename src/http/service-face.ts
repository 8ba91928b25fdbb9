import type { Fault, Log } from '#base'
import type { IdentityPort } from '#cloud'
import { createFace, type Face, type FaultAnswer } from './face.ts'
import { middlewareUnauthorized } from './fault-names.ts'

export interface ServiceFaceOptions {
  readonly log: Log
  readonly identity: IdentityPort
  /** What errors are called, by status; all others are a `computeFault`. */
  readonly names: Readonly<Record<number, string>>
  /** The body for an unknown route. */
  readonly notFound: unknown
  /** An exceeded limit has the header too, and not only the word in its body. */
  readonly tellsRetryAfter?: boolean
}

const hidden = 'The server has either erred or is incapable of performing the requested operation.'

function answerOf(fault: Fault, identityUrl: string, { names, tellsRetryAfter }: ServiceFaceOptions): FaultAnswer {
  const { status: code, message } = fault
  if (code === 401) return middlewareUnauthorized(message, identityUrl)
  const isOver = code === 413
  const body = { code, message: code === 500 ? hidden : message, ...(isOver ? { retryAfter: '0' } : {}) }
  return {
    status: code,
    body: { [names[code] ?? 'computeFault']: body },
    ...(isOver && tellsRetryAfter === true ? { headers: { 'retry-after': '0' } } : {}),
  }
}

/** A face of a service that stands behind keystonemiddleware and words its errors as Cinder and Manila do; no routes. */
export function createServiceFace(options: ServiceFaceOptions): Face {
  let identityUrl: string | undefined
  const face = createFace({
    log: options.log,
    renderFault: fault => answerOf(fault, identityUrl ?? '', options),
    notFound: () => ({ status: 404, body: options.notFound }),
    requestIdHeaders: ['x-openstack-request-id', 'x-compute-request-id'],
  })
  face.addHook('onRequest', async () => {
    // The catalogue may be filled after this service is made.
    identityUrl ??= await options.identity.endpoint('identity', 'public')
  })
  return face
}
