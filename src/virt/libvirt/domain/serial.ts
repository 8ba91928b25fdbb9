import { element } from './element.ts'
import type { Family } from './host.ts'
import { flavorOrImage, positiveInteger } from './properties.ts'

/** ISA has four serial ports. */
const maxPorts = 4

/** The first port is the console; virtlogd keeps what it prints, cut at 2 MiB a file. */
export const serial: Family = (spec, host) => {
  const wanted = positiveInteger(flavorOrImage(spec, 'hw:serial_port_count', 'hw_serial_port_count')) ?? 1
  return Array.from({ length: Math.min(wanted, maxPorts) }, (_, port) =>
    element(
      'serial',
      { type: 'pty' },
      port === 0 ? element('log', { file: host.consoleLogPath(spec.id), append: 'off' }) : undefined,
      element('target', { port }),
    ),
  )
}
