import { type Allocations, NoCapacity, sum } from '#cloud'
import { flavorResources, type Instance, isVolumeBacked } from '#model'
import { letGo } from '../../allocations.ts'
import type { ConductorDeps } from '../../deps.ts'

/** Flavors and images that ask for more than amounts are given providers that cannot be found again from the record. */
const isPlain = ({ flavor, image }: Instance): boolean =>
  Object.keys(flavor.extraSpecs).length === 0 &&
  !Object.keys(image?.properties ?? {}).some(name => /^(hw_cpu_|hw_numa_|hw_pci_|hw_mem_page|traits?[_:])/.test(name))

/** The part of what is held that lies on this node, its child providers included. */
async function heldOn(d: ConductorDeps, held: Allocations, nodeId: string): Promise<Allocations> {
  const right = []
  for (const [providerId, amounts] of Object.entries(held)) {
    const root = providerId === nodeId ? nodeId : (await d.placement.provider(providerId))?.rootId
    if (root === nodeId) right.push([providerId, amounts] as const)
  }
  return Object.fromEntries(right)
}

/** What its ports have of the network's providers, as its claim remembers. */
async function portAmounts(d: ConductorDeps, id: string, nodeId: string): Promise<Allocations> {
  const claim = await d.store.hostClaims.of(id)
  const ports = claim?.nodeId === nodeId ? claim.ports : []
  return ports.reduce((all, { providerId, resources }) => sum(all, { [providerId]: resources }), {} as Allocations)
}

/**
 * What the server holds is on the node where its record says that it is, and nowhere else; a server that is nowhere holds
 * nothing. Called when nobody works on the server.
 */
export async function healAllocation(d: ConductorDeps, id: string): Promise<void> {
  const instance = await d.store.instances.find(id)
  if (instance?.host == null) return letGo(d, id)
  const node = await d.store.computeNodes.find({ host: instance.host })
  if (node === undefined) return
  const { allocations } = await d.placement.consumer(id)
  const right = await heldOn(d, allocations, node.uuid)
  const isComplete = Object.keys(right).length > 0
  if (isComplete && Object.keys(right).length === Object.keys(allocations).length) return
  const { projectId, userId, host } = instance
  const about = { instance_id: id, host, held: allocations }
  if (!isComplete && !isPlain(instance)) {
    d.log.error(about, 'server without its allocation; its flavor or image asks for more than amounts')
    return
  }
  const isOnVolume = isVolumeBacked(await d.store.blockDevices.of(id))
  const wanted = isComplete
    ? right
    : sum({ [node.uuid]: flavorResources(instance.flavor, isOnVolume) }, await portAmounts(d, id, node.uuid))
  try {
    await d.placement.reallocate([{ consumerId: id, consumerType: 'INSTANCE', allocations: wanted, projectId, userId }])
    d.log.warn({ ...about, wanted }, 'allocation of a server did not fit its record and is mended')
  } catch (error) {
    if (!NoCapacity.is(error)) throw error
    d.log.error({ ...about, wanted, err: error }, 'server without its allocation, and its host has no room for it')
  }
}
