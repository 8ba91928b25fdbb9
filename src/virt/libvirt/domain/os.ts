import { element } from './element.ts'
import type { Family } from './host.ts'
import { machineType } from './machine.ts'
import { flavorOrImage, isTrue } from './properties.ts'

/** What is booted from is said by the disks themselves, in their order. */
export const os: Family = (spec, host) => {
  const type = element('type', { arch: host.architecture, machine: machineType(spec, host) }, 'hvm')
  const hasMenu = isTrue(flavorOrImage(spec, 'hw:boot_menu', 'hw_boot_menu'), false)
  return element(
    'os',
    {},
    type,
    hasMenu ? element('bootmenu', { enable: 'yes' }) : undefined,
    element('smbios', { mode: 'sysinfo' }),
  )
}
