import type { GuestSpec } from '../../guest-spec.ts'
import { element, type XmlElement } from './element.ts'
import type { DomainHost, Family } from './host.ts'
import { needsUsb } from './input.ts'
import { architectureOf, isPciExpress, isX86, machineType } from './machine.ts'
import { flavorOrImage, positiveInteger } from './properties.ts'

/** What is hot-plugged into a PCI Express machine needs a free root port each. */
const hotplugPorts = 16

function pciExpress(spec: GuestSpec, host: DomainHost): readonly XmlElement[] {
  const machine = machineType(spec, host)
  const isVirt = architectureOf(spec, host) === 'aarch64' && machine.startsWith('virt')
  if (!isPciExpress(machine) && !isVirt) return []
  return [
    element('controller', { type: 'pci', model: 'pcie-root' }),
    ...Array.from({ length: host.settings.pciePorts || hotplugPorts }, () =>
      element('controller', { type: 'pci', model: 'pcie-root-port' }),
    ),
  ]
}

const redirections = (spec: GuestSpec, host: DomainHost): number =>
  host.settings.spice === null
    ? 0
    : (positiveInteger(flavorOrImage(spec, 'hw:redirected_usb_ports', 'hw_redirected_usb_ports')) ?? 0)

const hasUsbDisk = ({ image, disks }: GuestSpec): boolean =>
  image.properties['hw_disk_bus'] === 'usb' ||
  image.properties['hw_cdrom_bus'] === 'usb' ||
  disks.some(disk => disk.bus === 'usb')

/** libvirt would add one to every PC: it is said explicitly that there is none, where nothing hangs on it. */
function usb(spec: GuestSpec, host: DomainHost): readonly XmlElement[] {
  const asked = flavorOrImage(spec, 'hw:usb_model', 'hw_usb_model')
  if (asked !== undefined) return [element('controller', { type: 'usb', index: 0, model: asked })]
  if (needsUsb(spec, host) || hasUsbDisk(spec) || redirections(spec, host) > 0)
    return [element('controller', { type: 'usb', index: 0 })]
  const isThereAnyhow = isX86(architectureOf(spec, host))
  return isThereAnyhow ? [element('controller', { type: 'usb', index: 0, model: 'none' })] : []
}

/** The buses that devices of other families hang on. */
export const buses: Family = (spec, host) => [...pciExpress(spec, host), ...usb(spec, host)]

/** USB devices of whoever looks at the SPICE display. */
export const usbRedirection: Family = (spec, host) =>
  Array.from({ length: redirections(spec, host) }, () => element('redirdev', { bus: 'usb', type: 'spicevmc' }))

/** A tablet or disk on USB cannot be where the flavor has forbidden USB. */
export function usbComplaint(spec: GuestSpec, host: DomainHost): string | undefined {
  const asked = flavorOrImage(spec, 'hw:usb_model', 'hw_usb_model')
  if (asked !== 'none') return undefined
  const isNeeded = hasUsbDisk(spec) || spec.image.properties['hw_input_bus'] === 'usb' || redirections(spec, host) > 0
  return isNeeded ? 'A USB device is requested, but the USB controller is disabled.' : undefined
}
