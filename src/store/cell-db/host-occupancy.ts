import {
  deviceChoice,
  type FittedTopology,
  grantOf,
  type HeldPciDevice,
  type HostDemand,
  type HostGrant,
  type HostOccupancy,
  isPlain,
  type Mappings,
  namesNothing,
  type PciDevice,
  portHoldings,
} from '#model'
import type { Store } from '../store.ts'
import type { ComputeNode } from './compute-nodes.ts'
import type { HostClaim } from './host-claims.ts'

const notNull = <T>(value: T | null): value is T => value !== null

function occupancyOf(
  node: ComputeNode,
  claims: readonly HostClaim[],
  devices: readonly HeldPciDevice[],
): HostOccupancy {
  const guests: readonly FittedTopology[] = claims.map(claim => claim.numa).filter(notNull)
  return {
    topology: node.description.numaTopology ?? null,
    guests,
    devices,
    limits: { cpuRatio: node.cpuAllocationRatio, ramRatio: node.ramAllocationRatio },
  }
}

/** Nodes with what is claimed of them, in a fixed number of statements. */
export async function hostOccupancies(
  store: Store,
  nodes: readonly ComputeNode[],
): Promise<ReadonlyMap<string, HostOccupancy>> {
  const ids = nodes.map(node => node.uuid)
  if (ids.length === 0) return new Map()
  const claims = Map.groupBy(await store.hostClaims.onNodes(ids), claim => claim.nodeId)
  const devices = await store.pciDevices.onNodes(ids)
  return new Map(
    nodes.map(node => [node.uuid, occupancyOf(node, claims.get(node.uuid) ?? [], devices.get(node.uuid) ?? [])]),
  )
}

/** How often a change of a node is tried while others change it at the same time. */
const mostTries = 20

class NodeChanged extends Error {}

/** One change of what is claimed of a node, and nobody else's in between: compare-and-set on the node's generation. */
async function changeNode<T>(store: Store, nodeId: string, work: (tx: Store) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await store.transaction(async tx => {
        const generation = await tx.hostClaims.generationOf(nodeId)
        const result = await work(tx)
        // A node that is gone has nothing that could be taken twice.
        if (generation !== undefined && !(await tx.hostClaims.nextGeneration(nodeId, generation)))
          throw new NodeChanged()
        return result
      })
    } catch (error) {
      if (!(error instanceof NodeChanged) || tries >= mostTries) throw error
    }
  }
}

export interface ClaimWish {
  readonly consumerId: string
  readonly instanceId: string
  readonly nodeId: string
  readonly demand: HostDemand
  /** Of placement: providers by the suffix of their request group. */
  readonly mappings?: Mappings
  /** Of the providers that stand for cards. */
  readonly providerNames?: ReadonlyMap<string, string>
  /** The guest is about to be made there; until then its devices are only spoken for. */
  readonly isFinal: boolean
}

const noNames: ReadonlyMap<string, string> = new Map()

/** What a wish comes to on its host as it is now; a text: why to nothing. */
async function granted(
  tx: Store,
  wish: ClaimWish,
  has: FittedTopology | null = null,
): Promise<(HostGrant & Pick<HostClaim, 'ports'>) | string> {
  const { nodeId, demand, mappings = {}, providerNames = noNames } = wish
  const ports = portHoldings(demand, mappings)
  if (typeof ports === 'string') return ports
  if (isPlain(demand)) return { numa: null, devices: [], ports }
  const node = await tx.computeNodes.find({ uuid: nodeId })
  if (node === undefined) return 'there is no such compute node any more'
  const occupancy = (await hostOccupancies(tx, [node])).get(nodeId)
  if (occupancy === undefined) return { numa: null, devices: [], ports }
  const choice = deviceChoice(demand, nodeId, mappings, providerNames)
  if (typeof choice === 'string') return choice
  const near = has === null ? {} : { near: has.cells.map(cell => cell.hostCell) }
  const answer = grantOf(occupancy, demand, { ...choice, ...near })
  return 'refusal' in answer ? answer.refusal : { ...answer.grant, ports }
}

async function claimIn(tx: Store, wish: ClaimWish): Promise<string | undefined> {
  const { consumerId, instanceId, nodeId, demand, isFinal } = wish
  const held = await tx.hostClaims.of(consumerId)
  if (held?.nodeId === nodeId) {
    if (isFinal) await tx.pciDevices.allocate(nodeId, consumerId)
    return undefined
  }
  const grant = await granted(tx, wish)
  if (typeof grant === 'string') return grant
  const { numa, devices, ports } = grant
  if (numa === null && devices.length + ports.length === 0) return undefined
  await tx.hostClaims.add({ consumerId, instanceId, nodeId, numa, requests: demand.pci, ports })
  await tx.pciDevices.give(nodeId, consumerId, devices, isFinal ? 'allocated' : 'claimed')
  return undefined
}

/**
 * Claims CPUs, memory nodes and devices of a host for a consumer that has none elsewhere: all that is asked, or nothing and
 * the reason why. Of any number of claims at once none gets what another has. Again for the same host: nothing to do.
 */
export async function claimHost(store: Store, wish: ClaimWish): Promise<string | undefined> {
  if (namesNothing(wish.demand)) return undefined
  return changeNode(store, wish.nodeId, tx => claimIn(tx, wish))
}

/**
 * One port more for a consumer that is on the host already: a card, or what it holds of the network, near what the consumer
 * has. Again: nothing to do.
 */
export async function claimMore(store: Store, wish: Omit<ClaimWish, 'isFinal'>): Promise<string | undefined> {
  const { consumerId, instanceId, nodeId, demand } = wish
  if (namesNothing(demand)) return undefined
  return changeNode(store, nodeId, async tx => {
    const held = await tx.hostClaims.of(consumerId)
    const isThere = (id: string) =>
      held?.requests.some(request => request.portId === id) === true ||
      held?.ports.some(one => one.portId === id) === true
    if (
      [...demand.pci.flatMap(({ portId }) => portId ?? []), ...(demand.ports ?? []).map(({ id }) => id)].some(isThere)
    )
      return undefined
    const grant = await granted(tx, { ...wish, isFinal: true }, held?.numa)
    if (typeof grant === 'string') return grant
    const { devices, ports } = grant
    const before = held ?? { consumerId, instanceId, nodeId, numa: null, requests: [], ports: [] }
    if (held !== undefined) await tx.hostClaims.remove(consumerId)
    await tx.hostClaims.add({
      ...before,
      requests: [...before.requests, ...demand.pci],
      ports: [...before.ports, ...ports],
    })
    await tx.pciDevices.give(nodeId, consumerId, devices, 'allocated')
    return undefined
  })
}

/** What the consumer has of a host is free. Nothing there: nothing to do. */
export async function releaseHost(store: Store, consumerId: string): Promise<void> {
  const claim = await store.hostClaims.of(consumerId)
  if (claim === undefined) return
  const { nodeId } = claim
  await changeNode(store, nodeId, async tx => {
    await tx.pciDevices.takeBack(nodeId, consumerId)
    await tx.hostClaims.remove(consumerId)
  })
}

/** One of the consumer's ports is over; what else it has stays. Nothing there: nothing to do. */
export async function releasePort(store: Store, consumerId: string, portId: string): Promise<void> {
  const claim = await store.hostClaims.of(consumerId)
  const isOfPort = (one: { readonly portId?: string }) => one.portId === portId
  if (claim === undefined || !(claim.requests.some(isOfPort) || claim.ports.some(isOfPort))) return
  const { nodeId, numa } = claim
  await changeNode(store, nodeId, async tx => {
    for (const request of claim.requests.filter(isOfPort)) await tx.pciDevices.takeBack(nodeId, consumerId, request.id)
    const requests = claim.requests.filter(request => !isOfPort(request))
    const ports = claim.ports.filter(one => !isOfPort(one))
    await tx.hostClaims.remove(consumerId)
    if (numa !== null || requests.length + ports.length > 0) await tx.hostClaims.add({ ...claim, requests, ports })
  })
}

/** The move keeps the source for its server, which may then claim another host. A server without a claim leaves an empty one. */
export async function leaveHost(store: Store, instanceId: string, migrationId: string): Promise<void> {
  await store.transaction(async tx => {
    if ((await tx.hostClaims.of(migrationId)) !== undefined) return
    if ((await tx.hostClaims.of(instanceId)) === undefined) {
      const nothing = { numa: null, requests: [], ports: [], nodeId: '' }
      return tx.hostClaims.add({ consumerId: migrationId, instanceId, ...nothing })
    }
    await tx.hostClaims.handOver(instanceId, migrationId)
    await tx.pciDevices.handOver(instanceId, migrationId)
  })
}

/** The server has again what the move has kept for it, and nothing else. Nothing kept: nothing to do. */
export async function takeBackHost(store: Store, instanceId: string, migrationId: string): Promise<void> {
  const kept = await store.hostClaims.of(migrationId)
  if (kept === undefined) return
  const now = await store.hostClaims.of(instanceId)
  await changeNode(store, now?.nodeId ?? kept.nodeId, async tx => {
    if ((await tx.hostClaims.of(migrationId)) === undefined) return
    if (now !== undefined) {
      await tx.pciDevices.takeBack(now.nodeId, instanceId)
      await tx.hostClaims.remove(instanceId)
    }
    if (kept.nodeId === '') return tx.hostClaims.remove(migrationId)
    await tx.hostClaims.handOver(migrationId, instanceId)
    await tx.pciDevices.handOver(migrationId, instanceId)
  })
}

/** The node has these PCI devices from now on. */
export async function reportDevices(store: Store, nodeId: string, devices: readonly PciDevice[]): Promise<void> {
  const known = await store.pciDevices.on(nodeId)
  if (known.length === 0 && devices.length === 0) return
  await changeNode(store, nodeId, tx => tx.pciDevices.report(nodeId, devices))
}
