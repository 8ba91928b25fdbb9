import type { GuestSpec } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import { firmwareOf } from './firmware.ts'
import type { DomainHost, Family } from './host.ts'
import { architectureOf, isByTcg, isX86, machineType } from './machine.ts'
import { imageOrFlavor, imageProperty, isTrue } from './properties.ts'

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

/** What a kernel of its own is told when the image does not say it: Nova's words. */
const consoles = 'console=tty0 console=ttyS0 console=hvc0'

function kernel(spec: GuestSpec, host: DomainHost): readonly XmlElement[] {
  const { directBoot, disks } = spec
  if (directBoot === undefined) return []
  const root = disks.find(disk => disk.bootIndex === 0)?.deviceName ?? '/dev/vda'
  const usual = `root=${root} ${consoles}${isByTcg(spec, host) ? ' no_timer_check' : ''}`
  return [
    element('kernel', {}, host.kernelPath(spec.id)),
    ...(directBoot.ramdisk === null ? [] : [element('initrd', {}, host.ramdiskPath(spec.id))]),
    element('cmdline', {}, imageProperty(spec, 'os_command_line') || usual),
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
    kernel(spec, host),
    hasMenu ? element('bootmenu', { enable: 'yes' }) : undefined,
    isX86(architecture) ? element('smbios', { mode: 'sysinfo' }) : undefined,
  )
}
