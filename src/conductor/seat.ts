import type { GuestSpec } from '#virt'
import type { ConductorDeps } from './deps.ts'

/** What the guest has of its host by name: of the server, or of the move that keeps the source for it. */
export async function seatOf(d: ConductorDeps, consumerId: string): Promise<Pick<GuestSpec, 'numa' | 'hostDevices'>> {
  const claim = await d.store.hostClaims.of(consumerId)
  if (claim === undefined || claim.nodeId === '') return {}
  const held = claim.requests.length === 0 ? [] : await d.store.pciDevices.of(consumerId)
  const hostDevices = held.map(({ address, type, numaNode, vendorId, productId, interfaceName, tags, requestId }) => ({
    address,
    type,
    numaNode,
    vendorId,
    productId,
    interfaceName,
    // The hypervisor takes the device from its driver and gives it back, unless the operator does that himself.
    isManaged: tags['managed']?.toLowerCase() !== 'no',
    alias: claim.requests.find(request => request.id === requestId)?.aliasName ?? null,
    portId: claim.requests.find(request => request.id === requestId)?.portId ?? null,
  }))
  const devices = hostDevices.length === 0 ? {} : { hostDevices }
  if (claim.numa === null) return devices
  const node = await d.store.computeNodes.find({ uuid: claim.nodeId })
  const hostCells = (node?.description.numaTopology?.cells ?? []).map(({ id, sharedCpus, pages }) => ({
    id,
    sharedCpus,
    smallestPageKiB: pages.length === 0 ? 4 : Math.min(...pages.map(page => page.sizeKiB)),
  }))
  return { ...devices, numa: { ...claim.numa, hostCells } }
}
