import type { PortView } from '#cloud'
import type { HeldPciDevice, Instance, PortHolding } from '#model'
import { type HostClaim, releasePort } from '#store'
import type { ConductorDeps } from './deps.ts'

/** What a binding tells the network of one host: the card's function, and the provider whose bandwidth is the port's. */
type Profile = PortView['profile']

const keys = [
  'pci_slot',
  'pci_vendor_info',
  'physical_network',
  'card_serial_number',
  'vf_num',
  'pf_mac_address',
  'device_mac_address',
  'allocation',
]

/** A binding profile without what was true of an earlier host only. */
export const withoutPlace = (profile: Profile): Profile =>
  Object.fromEntries(Object.entries(profile).filter(([key]) => !keys.includes(key)))

export const hasPlace = (profile: Profile): boolean => keys.some(key => key in profile)

function cardProfile(device: HeldPciDevice): Profile {
  const physical = device.tags['physical_network']
  return {
    pci_slot: device.address,
    pci_vendor_info: `${device.vendorId}:${device.productId}`,
    ...(physical === undefined ? {} : { physical_network: physical }),
    ...(device.cardSerial === null ? {} : { card_serial_number: device.cardSerial }),
  }
}

/** A group that goes by the port's own id is of a Neutron that knows only one. */
function allocationOf(portId: string, holdings: readonly PortHolding[]): Profile {
  const [first] = holdings
  if (first === undefined) return {}
  if (first.id === portId) return { allocation: first.providerId }
  return { allocation: Object.fromEntries(holdings.map(({ id, providerId }) => [id, providerId])) }
}

/** Where source and target are one host, that of the holder: the server's own is that of the target. */
async function claimAt(d: ConductorDeps, id: string, host: string, holder: string): Promise<HostClaim | undefined> {
  const claims = (await d.store.hostClaims.ofInstance(id)).filter(
    claim => claim.ports.length > 0 || claim.requests.some(one => one.portId),
  )
  if (claims.length === 0) return undefined
  const node = await d.store.computeNodes.find({ host })
  const here = claims.filter(claim => claim.nodeId === node?.uuid)
  return here.find(({ consumerId }) => consumerId === holder) ?? here[0]
}

/**
 * Profiles of the server's ports as they have to be on this host, by port; only of those of which there is anything to
 * tell. Servers without such ports cost one look.
 */
export async function profilesAt(
  d: ConductorDeps,
  { id }: Pick<Instance, 'id'>,
  host: string,
  holder: string = id,
): Promise<ReadonlyMap<string, Profile>> {
  const claim = await claimAt(d, id, host, holder)
  if (claim === undefined) return new Map()
  const requests = claim.requests.filter(request => request.portId !== undefined)
  const devices = requests.length === 0 ? [] : await d.store.pciDevices.of(claim.consumerId)
  const ids = new Set([...requests.flatMap(({ portId }) => portId ?? []), ...claim.ports.map(({ portId }) => portId)])
  const profiles = new Map<string, Profile>()
  for (const port of await d.network.ports('service', { ids: [...ids] })) {
    const request = requests.find(({ portId }) => portId === port.id)
    const device = devices.find(one => request !== undefined && one.requestId === request.id)
    profiles.set(port.id, {
      ...withoutPlace(port.profile),
      ...(device === undefined ? {} : cardProfile(device)),
      ...allocationOf(
        port.id,
        claim.ports.filter(({ portId }) => portId === port.id),
      ),
    })
  }
  return profiles
}

/** The port is the server's no more: its card is free, and the server does not ask for it when it moves. */
export async function giveUpPort(d: ConductorDeps, instanceId: string, portId: string): Promise<void> {
  await releasePort(d.store, instanceId, portId)
  const spec = await d.store.requestSpecs.find(instanceId)
  if (spec === undefined) return
  const { pciRequests = [], ports = [] } = spec
  const requests = pciRequests.filter(one => one.portId !== portId)
  const others = ports.filter(port => port.id !== portId)
  if (requests.length === pciRequests.length && others.length === ports.length) return
  await d.store.requestSpecs.save(instanceId, { ...spec, pciRequests: requests, ports: others })
}
