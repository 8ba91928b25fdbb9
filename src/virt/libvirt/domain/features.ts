import { element } from './element.ts'
import type { Family } from './host.ts'

export const features: Family = (_spec, host) =>
  element(
    'features',
    {},
    element('acpi'),
    element('apic'),
    element('vmcoreinfo', { state: 'on' }),
    host.virtType === 'qemu' ? element('tcg', {}, element('tb-cache', { unit: 'MiB' }, host.tbCacheMiB)) : undefined,
  )
