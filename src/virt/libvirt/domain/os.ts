import type { GuestSpec } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import { firmwareOf } from './firmware.ts'
import type { DomainHost, Family } from './host.ts'
import { architectureOf, isX86, machineType } from './machine.ts'
import { imageOrFlavor, isTrue } from './properties.ts'

/** The guest's own variables are made from the template at its first start and stay with its disks. */
function loader(spec: GuestSpec, host: DomainHost): readonly XmlElement[] {
  const choice = firmwareOf(spec, host)
  if (choice.kind !== 'uefi') return []
  const { isSecure, isStateless } = choice.firmware
  const { executable, nvramTemplate } = choice.firmware.loader
  const secure = isSecure ? 'yes' : undefined
  if (isStateless) return [element('loader', { readonly: 'yes', secure, type: 'pflash', stateless: 'yes' }, executable)]
  return [
    element('loader', { readonly: 'yes', secure, type: 'pflash' }, executable),
    element('nvram', { template: nvramTemplate ?? undefined }, host.nvramPath(spec.id)),
  ]
}

/** What is booted from is said by the disks themselves, in their order. */
export const os: Family = (spec, host) => {
  const architecture = architectureOf(spec, host)
  const type = element('type', { arch: architecture, machine: machineType(spec, host) }, 'hvm')
  const hasMenu = isTrue(imageOrFlavor(spec, 'hw_boot_menu', 'hw:boot_menu'), false)
  return element(
    'os',
    {},
    type,
    loader(spec, host),
    hasMenu ? element('bootmenu', { enable: 'yes' }) : undefined,
    isX86(architecture) ? element('smbios', { mode: 'sysinfo' }) : undefined,
  )
}
