import type { Clock, Log } from '#base'
import { TransportUnusable } from './faults.ts'
import { SocketBus } from './socket-bus.ts'

/** The bus that nova.conf's transport_url names. */
export function openBus(transportUrl: string, parts: { log: Log; clock?: Clock }): SocketBus {
  const scheme = /^([a-z0-9+.-]+):/i.exec(transportUrl)?.[1]?.toLowerCase()
  if (scheme === 'unix') {
    const folder = /^unix:\/\/(\/.+?)\/*$/.exec(transportUrl)?.[1]
    if (folder !== undefined) return new SocketBus({ ...parts, folder: decodeURIComponent(folder) })
    throw TransportUnusable({
      reason: 'transport_url unix:// needs the absolute path of a folder: unix:///run/nova/bus',
    })
  }
  if (scheme === 'rabbit' || scheme === 'kombu' || scheme === 'amqp') {
    // The URL itself may hold a password.
    const reason = `transport_url ${scheme}://…: this release has no broker adapter yet. Use unix:///run/nova/bus for services on one machine.`
    throw TransportUnusable({ reason })
  }
  throw TransportUnusable({ reason: `Invalid transport_url scheme '${scheme ?? ''}'. Known: unix.` })
}
