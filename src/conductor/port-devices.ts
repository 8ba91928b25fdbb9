import type { Instance } from '#model'
import { releaseRequest } from '#store'
import type { ConductorDeps } from './deps.ts'

const keys = ['pci_slot', 'pci_vendor_info', 'physical_network']

/** A binding profile without the device of an earlier host. */
export const withoutDevice = (profile: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(profile).filter(([key]) => !keys.includes(key)))

export const hasDevice = (profile: Readonly<Record<string, unknown>>): boolean => 'pci_slot' in profile

/**
 * Before a port is bound: tells the network which function of which card is behind each port that has one, on this host. Ports of other servers, and
 * all ports of servers without such devices, are left alone.
 */
export async function nameDevices(d: ConductorDeps, { id }: Pick<Instance, 'id'>, host: string): Promise<void> {
  const claims = (await d.store.hostClaims.ofInstance(id)).filter(claim => claim.requests.some(one => one.portId))
  if (claims.length === 0) return
  const node = await d.store.computeNodes.find({ host })
  // Where source and target are one host, the server's own claim is that of the target.
  const here = claims.filter(claim => claim.nodeId === node?.uuid)
  const claim = here.find(({ consumerId }) => consumerId === id) ?? here[0]
  if (claim === undefined) return
  const devices = await d.store.pciDevices.of(claim.consumerId)
  for (const { id: requestId, portId } of claim.requests) {
    const device = devices.find(one => one.requestId === requestId)
    if (portId === undefined || device === undefined) continue
    const [port] = await d.network.ports('service', { ids: [portId] })
    if (port === undefined || port.profile['pci_slot'] === device.address) continue
    const physical = device.tags['physical_network']
    const profile = {
      ...withoutDevice(port.profile),
      pci_slot: device.address,
      pci_vendor_info: `${device.vendorId}:${device.productId}`,
      ...(physical === undefined ? {} : { physical_network: physical }),
    }
    await d.network.updatePort('service', portId, { profile })
  }
}

/** The port is the server's no more: its card is free, and the server does not ask for one when it moves. */
export async function giveUpCard(d: ConductorDeps, instanceId: string, portId: string): Promise<void> {
  const spec = await d.store.requestSpecs.find(instanceId)
  const request = spec?.pciRequests?.find(one => one.portId === portId)
  if (spec === undefined || request === undefined) return
  await releaseRequest(d.store, instanceId, request.id)
  const pciRequests = spec.pciRequests?.filter(one => one.id !== request.id) ?? []
  await d.store.requestSpecs.save(instanceId, { ...spec, pciRequests })
}
