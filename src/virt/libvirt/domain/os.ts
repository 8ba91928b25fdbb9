import { element } from './element.ts'
import type { Family } from './host.ts'
import { machineType, rootDevice } from './machine.ts'
import { flavorOrImage, isTrue } from './properties.ts'

export const os: Family = (spec, host) => {
  const type = element('type', { arch: host.architecture, machine: machineType(spec, host) }, 'hvm')
  const hasMenu = isTrue(flavorOrImage(spec, 'hw:boot_menu', 'hw_boot_menu'), false)
  return element(
    'os',
    {},
    type,
    element('boot', { dev: rootDevice(spec) === 'cdrom' ? 'cdrom' : 'hd' }),
    hasMenu ? element('bootmenu', { enable: 'yes' }) : undefined,
    element('smbios', { mode: 'sysinfo' }),
  )
}
