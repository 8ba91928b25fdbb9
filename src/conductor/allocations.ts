import { type Claim, providerNames } from '#cloud'
import {
  ComputeResourcesUnavailable,
  cardProviders,
  hostDemand,
  type Instance,
  NoValidHost,
  type RequestSpec,
  type Selection,
} from '#model'
import { claimHost, leaveHost, releaseHost, takeBackHost } from '#store'
import { whereClaimed } from './cells.ts'
import type { ConductorDeps } from './deps.ts'

type Owner = Pick<Instance, 'id' | 'projectId' | 'userId'>

const claimOf = (
  owner: Owner,
  consumerId: string,
  consumerType: Claim['consumerType'],
  allocations: Claim['allocations'],
): Claim => ({ consumerId, consumerType, allocations, projectId: owner.projectId, userId: owner.userId })

const isEmpty = (allocations: Claim['allocations']): boolean => Object.keys(allocations).length === 0

/** Nothing is held any more: no amounts in placement, nothing of a host by name. Not held: nothing to do. */
export async function letGo(d: ConductorDeps, consumerId: string): Promise<void> {
  for (const store of await whereClaimed(d)) await releaseHost(store, consumerId)
  await d.placement.release(consumerId)
}

/**
 * The CPUs, memory nodes and devices of the host that the request names are the server's, and its guest is about to be made
 * there. The scheduler has claimed them for its first choice already; for any other place it happens here.
 */
export async function takeSeat(
  d: ConductorDeps,
  instanceId: string,
  spec: RequestSpec,
  { nodeId, mappings = {} }: Pick<Selection, 'nodeId' | 'mappings'>,
): Promise<void> {
  const demand = hostDemand(spec)
  const names = await providerNames(d.placement, cardProviders(demand, mappings))
  const wish = { consumerId: instanceId, instanceId, nodeId, demand, mappings, providerNames: names, isFinal: true }
  const refusal = await claimHost(d.store, wish)
  if (refusal !== undefined) throw ComputeResourcesUnavailable({ reason: refusal })
}

/** What the server holds goes to the record of its move, so that the server may claim another host. */
async function handOverAllocation(d: ConductorDeps, owner: Owner, migrationId: string): Promise<void> {
  const held = await d.placement.consumer(migrationId)
  if (!isEmpty(held.allocations)) return
  const { allocations } = await d.placement.consumer(owner.id)
  if (isEmpty(allocations)) return
  await d.placement.reallocate([
    claimOf(owner, migrationId, 'MIGRATION', allocations),
    claimOf(owner, owner.id, 'INSTANCE', {}),
  ])
}

/** The server has what it had before the move, and nothing else. Nothing handed over: nothing to do. */
export async function takeBackAllocation(d: ConductorDeps, owner: Owner, migrationId: string): Promise<void> {
  await takeBackHost(d.store, owner.id, migrationId)
  const { allocations } = await d.placement.consumer(migrationId)
  if (isEmpty(allocations)) return
  await d.placement.reallocate([
    claimOf(owner, migrationId, 'MIGRATION', {}),
    claimOf(owner, owner.id, 'INSTANCE', allocations),
  ])
}

interface Move {
  readonly instanceId: string
  readonly migrationId: string
}

/** The first step of every move to another place, and its undo. */
export async function leaveAllocation(d: ConductorDeps, { instanceId, migrationId }: Move): Promise<void> {
  await leaveHost(d.store, instanceId, migrationId)
  await handOverAllocation(d, await d.store.instances.get(instanceId), migrationId)
}

export async function takeAllocation(d: ConductorDeps, { instanceId, migrationId }: Move): Promise<void> {
  const instance = await d.store.instances.find(instanceId)
  if (instance !== undefined) await takeBackAllocation(d, instance, migrationId)
}

interface ForcedTarget {
  readonly host: string
  readonly nodeId: string
}

/** As much as the move holds at the source, on another node: for a target that was chosen past the scheduler. */
export async function claimLike(d: ConductorDeps, owner: Owner, migrationId: string, from: string, to: ForcedTarget) {
  const { allocations } = await d.placement.consumer(migrationId)
  const amounts = allocations[from]
  if (amounts === undefined) return
  const unable = `Unable to move instance ${owner.id} to host ${to.host}.`
  // Which of the target's devices and cards it would be, only placement can say.
  if (Object.keys(allocations).length > 1) {
    const reason = `${unable} The instance has complex allocations on the source host so move cannot be forced.`
    throw NoValidHost({ reason })
  }
  await d.placement.claim(claimOf(owner, owner.id, 'INSTANCE', { [to.nodeId]: amounts }))
}
