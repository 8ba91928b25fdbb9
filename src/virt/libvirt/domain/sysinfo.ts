import { element } from './element.ts'
import type { Family } from './host.ts'

/** cloud-init takes the OpenStack data source only when the product is `OpenStack Nova`. */
export const sysinfo: Family = (spec, host) => {
  const entry = (name: string, value: string) => element('entry', { name }, value)
  return element(
    'sysinfo',
    { type: 'smbios' },
    element(
      'system',
      {},
      entry('manufacturer', 'OpenStack Foundation'),
      entry('product', 'OpenStack Nova'),
      entry('version', host.productVersion),
      entry('serial', spec.id),
      entry('uuid', spec.id),
      entry('family', 'Virtual Machine'),
    ),
  )
}
