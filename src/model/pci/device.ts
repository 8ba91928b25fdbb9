/** What kind of function a device is, in Nova's words. */
export const pciTypes = ['type-PCI', 'type-PF', 'type-VF', 'vdpa'] as const
export type PciType = (typeof pciTypes)[number]

/** A PCI function as a hypervisor finds it. */
export interface PciFunction {
  /** `0000:81:00.1` */
  readonly address: string
  readonly vendorId: string
  readonly productId: string
  readonly type: PciType
  readonly numaNode: number | null
  /** Of a virtual function: the physical one. */
  readonly parentAddress: string | null
  /** Name of the network card that the host has made of it, or of its physical function. */
  readonly interfaceName: string | null
  readonly parentInterfaceName: string | null
  /** `card_serial_number` of its vital product data. */
  readonly cardSerial: string | null
  /** The hypervisor can move a running guest that has it. */
  readonly canMove: boolean
}

/** A function that guests may have, with what the operator says about it: what `[pci] device_spec` matched. */
export interface PciDevice extends PciFunction {
  readonly tags: Readonly<Record<string, string>>
}

export const pciStates = [
  'available',
  'claimed',
  'allocated',
  'unclaimable',
  'unavailable',
  'removed',
  'deleted',
] as const
export type PciState = (typeof pciStates)[number]

/** A device of a host with who has it. */
export interface HeldPciDevice extends PciDevice {
  readonly state: PciState
  /** Of a server, or of a move that keeps it at its source. */
  readonly consumerId: string | null
  /** Which of the holder's requests it answers. */
  readonly requestId: string | null
}

/** The device is there for the next one who asks. */
export const isFree = ({ state }: HeldPciDevice): boolean => state === 'available'

const isHeld = ({ state }: HeldPciDevice): boolean => state === 'claimed' || state === 'allocated'

/**
 * States as they follow from who holds what: a physical function and its virtual functions are never with two holders, so
 * whoever has one bars the other. Devices that are held or removed stay as they are.
 */
export function withStates(devices: readonly HeldPciDevice[]): readonly HeldPciDevice[] {
  const held = new Map(devices.filter(isHeld).map(device => [device.address, device.state]))
  const heldChildren = new Map<string, PciState>()
  for (const { address, parentAddress } of devices) {
    const state = held.get(address)
    if (state === undefined || parentAddress === null) continue
    if (heldChildren.get(parentAddress) !== 'allocated') heldChildren.set(parentAddress, state)
  }
  return devices.map(device => {
    if (isHeld(device) || device.state === 'removed' || device.state === 'deleted') return device
    const bar =
      (device.parentAddress === null ? undefined : held.get(device.parentAddress)) ?? heldChildren.get(device.address)
    const state = bar === undefined ? 'available' : bar === 'claimed' ? 'unclaimable' : 'unavailable'
    return state === device.state ? device : { ...device, state }
  })
}
