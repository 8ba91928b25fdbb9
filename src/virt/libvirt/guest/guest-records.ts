import type { InstanceId } from '#base'
import type { GuestRecord, GuestRecords } from '../../driver.ts'
import type { GuestSpec } from '../../guest-spec.ts'
import { chosenHardware } from '../domain/index.ts'
import { asFault, domainById, errorCode, isLibvirtError, procedures } from '../rpc/index.ts'
import { nodeAt, nodesAt, parseXml, type XmlNode } from '../xml-tree.ts'
import type { GuestContext } from './guest-context.ts'

export class LibvirtGuestRecords implements GuestRecords {
  readonly #context: GuestContext

  constructor(context: GuestContext) {
    this.#context = context
  }

  async of(id: InstanceId, spec?: GuestSpec): Promise<GuestRecord | undefined> {
    const { client, host } = this.#context
    try {
      const xml = await client.call(procedures.xml, { domain: domainById(id), flags: 0 })
      return {
        properties: spec === undefined ? {} : chosenHardware(spec, host),
        addresses: addressesIn(parseXml(xml)),
      }
    } catch (error) {
      if (isLibvirtError(error, errorCode.noDomain)) return undefined
      throw asFault(error, 'record', id)
    }
  }
}

/** Where NICs (by MAC) and disks (by name) sit on the PCI bus; what sits elsewhere has no address that guests know. */
export function addressesIn(domain: XmlNode): Readonly<Record<string, string>> {
  const nics = nodesAt(domain, 'devices', 'interface').map(
    nic => [nodeAt(nic, 'mac')?.attributes['address']?.toLowerCase(), pciAddress(nic)] as const,
  )
  const disks = nodesAt(domain, 'devices', 'disk').map(
    disk => [nodeAt(disk, 'target')?.attributes['dev'], pciAddress(disk)] as const,
  )
  return Object.fromEntries(
    [...nics, ...disks].flatMap(([key, address]) =>
      key === undefined || address === undefined ? [] : [[key, address]],
    ),
  )
}

/** `0000:00:03.0` */
function pciAddress(device: XmlNode): string | undefined {
  const { type, domain, bus, slot, function: part } = nodeAt(device, 'address')?.attributes ?? {}
  if (type !== 'pci') return undefined
  const hex = (text: string | undefined, digits: number) =>
    Number(text ?? 0)
      .toString(16)
      .padStart(digits, '0')
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${hex(part, 1)}`
}
