import type { Clock, Log } from '#base'
import type { RemoteBus } from './bus.ts'
import { TransportUnusable } from './faults.ts'
import { RabbitBus } from './rabbit/index.ts'
import type { RabbitOptions } from './rabbit/settings.ts'
import { SocketBus } from './socket/socket-bus.ts'
import { parseTransportUrl } from './transport-url.ts'

export interface OpenBusParts {
  readonly log: Log
  readonly clock?: Clock
  /** `control_exchange`. */
  readonly prefix?: string
  readonly rabbit?: RabbitOptions
}

function folderOf(url: string): string {
  const folder = /^unix:\/\/(\/.+?)\/*$/.exec(url)?.[1]
  if (folder !== undefined) return decodeURIComponent(folder)
  throw TransportUnusable({
    reason: 'transport_url unix:// needs the absolute path of a folder: unix:///run/nova/bus',
  })
}

const openSockets = (url: string, { log, clock }: OpenBusParts): RemoteBus =>
  new SocketBus({ log, ...(clock === undefined ? {} : { clock }), folder: folderOf(url) })

/** oslo.messaging has had several names for the same. */
const rabbitSchemes = ['rabbit', 'kombu', 'amqp']

const schemeOf = (url: string): string | undefined => /^([a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase()

const unknownScheme = (scheme: string | undefined) =>
  TransportUnusable({ reason: `Invalid transport_url scheme '${scheme ?? ''}'. Known: rabbit, unix.` })

/** The bus that nova.conf's transport_url names. */
export function openBus(transportUrl: string, parts: OpenBusParts): RemoteBus {
  const scheme = schemeOf(transportUrl)
  if (scheme === 'unix') return openSockets(transportUrl, parts)
  if (scheme !== undefined && rabbitSchemes.includes(scheme)) return new RabbitBus({ url: transportUrl, ...parts })
  throw unknownScheme(scheme)
}

/** Throws `TransportUnusable` for an address that `openBus` would refuse, and opens nothing. */
export function checkTransportUrl(transportUrl: string): void {
  const scheme = schemeOf(transportUrl)
  if (scheme === 'unix') folderOf(transportUrl)
  else if (scheme !== undefined && rabbitSchemes.includes(scheme)) parseTransportUrl(transportUrl)
  else throw unknownScheme(scheme)
}
