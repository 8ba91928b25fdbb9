import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { Family } from './host.ts'
import { positiveInteger } from './properties.ts'

/** ISA has four serial ports. */
export const mostSerialPorts = 4

/** What the flavor allows, or less if the image says so. */
export function serialPortCount(spec: GuestSpec): number {
  const flavor = positiveInteger(spec.flavor.extraSpecs['hw:serial_port_count'])
  const image = positiveInteger(spec.image.properties['hw_serial_port_count'])
  if (flavor !== undefined && image !== undefined) return Math.min(flavor, image)
  return flavor ?? image ?? 1
}

/** The first port is the console; virtlogd keeps what it prints, cut at 2 MiB a file. */
export const serial: Family = (spec, host) => {
  const listen = host.settings.serialListen
  return Array.from({ length: Math.min(serialPortCount(spec), mostSerialPorts) }, (_, port) => {
    const log = port === 0 ? element('log', { file: host.consoleLogPath(spec.id), append: 'off' }) : undefined
    const target = element('target', { port })
    const service = host.serialPorts[port]
    if (listen === null || service === undefined) return element('serial', { type: 'pty' }, log, target)
    return element(
      'serial',
      { type: 'tcp' },
      element('source', { mode: 'bind', host: listen, service }),
      element('protocol', { type: 'raw' }),
      log,
      target,
    )
  })
}
