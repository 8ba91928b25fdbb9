import { addressParts } from '#model'
import { element } from './element.ts'
import type { Family } from './host.ts'

/** PCI devices of the host that are the guest's alone. */
export const hostdevs: Family = ({ hostDevices = [] }) =>
  hostDevices.flatMap(({ address, isManaged }) => {
    const [domain, bus, slot, func] = addressParts(address) ?? []
    if (domain === undefined) return []
    const place = { domain: `0x${domain}`, bus: `0x${bus}`, slot: `0x${slot}`, function: `0x${func}` }
    const how = { mode: 'subsystem', type: 'pci', managed: isManaged ? 'yes' : 'no' }
    return element('hostdev', how, element('source', {}, element('address', place)))
  })
