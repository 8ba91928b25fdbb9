import { declareFault } from '#base'

/** A transport_url that this release cannot serve, or a socket that cannot be made. */
export const TransportUnusable = declareFault('TransportUnusable', 'final', (p: { reason: string }) => p.reason)
