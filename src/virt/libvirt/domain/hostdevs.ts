import { addressParts } from '#model'
import { element, type XmlElement } from './element.ts'
import type { Family } from './host.ts'

/** `0000:81:10.2` as libvirt writes a place on a bus. */
export function pciAddress(address: string, more: { readonly type?: 'pci' } = {}): XmlElement | undefined {
  const [domain, bus, slot, func] = addressParts(address) ?? []
  if (domain === undefined) return undefined
  const place = { domain: `0x${domain}`, bus: `0x${bus}`, slot: `0x${slot}`, function: `0x${func}` }
  return element('address', { ...more, ...place })
}

/** PCI devices of the host that are the guest's alone; cards of ports are among its interfaces. */
export const hostdevs: Family = ({ hostDevices = [] }) =>
  hostDevices
    .filter(({ portId }) => portId === null)
    .map(({ address, isManaged }) => {
      const how = { mode: 'subsystem', type: 'pci', managed: isManaged ? 'yes' : 'no' }
      return element('hostdev', how, element('source', {}, pciAddress(address)))
    })
