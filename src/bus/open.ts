import type { Clock, Log } from '#base'
import type { RemoteBus } from './bus.ts'
import { TransportUnusable } from './faults.ts'
import { RabbitBus } from './rabbit/index.ts'
import type { RabbitOptions } from './rabbit/settings.ts'
import { SocketBus } from './socket/socket-bus.ts'

export interface OpenBusParts {
  readonly log: Log
  readonly clock?: Clock
  /** `control_exchange`. */
  readonly prefix?: string
  readonly rabbit?: RabbitOptions
}

function openSockets(url: string, { log, clock }: OpenBusParts): RemoteBus {
  const folder = /^unix:\/\/(\/.+?)\/*$/.exec(url)?.[1]
  if (folder !== undefined) {
    return new SocketBus({ log, ...(clock === undefined ? {} : { clock }), folder: decodeURIComponent(folder) })
  }
  throw TransportUnusable({
    reason: 'transport_url unix:// needs the absolute path of a folder: unix:///run/nova/bus',
  })
}

/** The bus that nova.conf's transport_url names. */
export function openBus(transportUrl: string, parts: OpenBusParts): RemoteBus {
  const scheme = /^([a-z0-9+.-]+):/i.exec(transportUrl)?.[1]?.toLowerCase()
  if (scheme === 'unix') return openSockets(transportUrl, parts)
  // oslo.messaging has had several names for the same.
  if (scheme === 'rabbit' || scheme === 'kombu' || scheme === 'amqp')
    return new RabbitBus({ url: transportUrl, ...parts })
  throw TransportUnusable({ reason: `Invalid transport_url scheme '${scheme ?? ''}'. Known: rabbit, unix.` })
}
