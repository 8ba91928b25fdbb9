import { readdir } from 'node:fs/promises'
import type { PciFunction } from '#model'
import { isLibvirtError, type LibvirtClient } from '../rpc/index.ts'
import { nodeDeviceProcedures } from '../rpc/node-devices.ts'
import { nodeAt, nodesAt, parseXml, textAt, type XmlNode } from '../xml-tree.ts'

/** An address element's numbers, written in whatever base libvirt likes. */
function addressOf(address: XmlNode | undefined): string | null {
  if (address === undefined) return null
  const part = (name: string, digits: number) =>
    Number(address.attributes[name] ?? 0)
      .toString(16)
      .padStart(digits, '0')
  return `${part('domain', 4)}:${part('bus', 2)}:${part('slot', 2)}.${part('function', 1)}`
}

/** `0x10de` as `10de`. */
const idOf = (capability: XmlNode, name: string): string =>
  (nodeAt(capability, name)?.attributes['id'] ?? '').replace(/^0x/, '').toLowerCase().padStart(4, '0')

/** What a node device of libvirt says of a PCI function; undefined for anything else. `nameOf` tells its network card. */
export function pciFunctionIn(device: XmlNode, nameOf: (address: string) => string | null): PciFunction | undefined {
  const pci = nodesAt(device, 'capability').find(one => one.attributes['type'] === 'pci')
  if (pci === undefined) return undefined
  const number = (name: string) => Number(textAt(pci, name) ?? 0)
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const address = `${hex(number('domain'), 4)}:${hex(number('bus'), 2)}:${hex(number('slot'), 2)}.${hex(number('function'), 1)}`
  const capability = (type: string) => nodesAt(pci, 'capability').find(one => one.attributes['type'] === type)
  const parent = addressOf(nodesAt(capability('phys_function') ?? pci, 'address')[0])
  const isVirtual = capability('phys_function') !== undefined && parent !== null
  const numa = nodeAt(pci, 'numa')?.attributes['node']
  const vpd = capability('vpd')
  return {
    address,
    vendorId: idOf(pci, 'vendor'),
    productId: idOf(pci, 'product'),
    type: isVirtual ? 'type-VF' : capability('virt_functions') === undefined ? 'type-PCI' : 'type-PF',
    numaNode: numa === undefined || Number(numa) < 0 ? null : Number(numa),
    parentAddress: isVirtual ? parent : null,
    interfaceName: nameOf(address),
    parentInterfaceName: isVirtual && parent !== null ? nameOf(parent) : null,
    cardSerial: vpd === undefined ? null : (textAt(vpd, 'fields', 'serial_number') ?? null),
    canMove: false,
  }
}

/** The network card that the kernel has made of a function, from the names under `/sys`. */
async function interfaceNames(): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>()
  const devices = '/sys/bus/pci/devices'
  for (const address of await readdir(devices).catch(() => [])) {
    const children = await readdir(`${devices}/${address}`).catch(() => [])
    // A virtio card is a device below the PCI one.
    const below = children.find(child => /^virtio\d+$/.test(child))
    const place = below === undefined ? 'net' : `${below}/net`
    const [name] = await readdir(`${devices}/${address}/${place}`).catch(() => [])
    if (name !== undefined) names.set(address.toLowerCase(), name)
  }
  return names
}

const pciDevices = 1 << 1

/** PCI functions that libvirt finds; none where it was built without looking for any. */
export async function hostPciFunctions(client: LibvirtClient): Promise<readonly PciFunction[]> {
  const { list, xml } = nodeDeviceProcedures
  try {
    const names = await interfaceNames()
    const found: PciFunction[] = []
    for (const name of await client.call(list, { flags: pciDevices })) {
      const device = parseXml(await client.call(xml, { name }))
      const one = pciFunctionIn(device, address => names.get(address) ?? null)
      if (one !== undefined) found.push(one)
    }
    return found
  } catch (error) {
    if (isLibvirtError(error)) return []
    throw error
  }
}
