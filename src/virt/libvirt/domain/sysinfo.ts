import type { GuestSpec } from '../../guest-spec.ts'
import { element } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { architectureOf, isX86 } from './machine.ts'

const serialOf = (spec: GuestSpec, { settings: { machineSerial } }: DomainHost): string | undefined => {
  if (machineSerial === null) return undefined
  return machineSerial === 'unique' ? spec.id : machineSerial.of
}

/** cloud-init takes the OpenStack data source only when the product is `OpenStack Nova`. */
export const sysinfo: Family = (spec, host) => {
  if (!isX86(architectureOf(spec, host))) return undefined
  const entry = (name: string, value: string) => element('entry', { name }, value)
  const serial = serialOf(spec, host)
  return element(
    'sysinfo',
    { type: 'smbios' },
    element(
      'system',
      {},
      entry('manufacturer', 'OpenStack Foundation'),
      entry('product', 'OpenStack Nova'),
      entry('version', host.productVersion),
      serial === undefined ? undefined : entry('serial', serial),
      entry('uuid', spec.id),
      entry('family', 'Virtual Machine'),
    ),
  )
}
