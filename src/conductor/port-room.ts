import {
  type Allocations,
  type CandidateQuery,
  difference,
  NoCapacity,
  PlacementConflict,
  providerNames,
  sum,
} from '#cloud'
import {
  cardProviders,
  deviceChoice,
  grantOf,
  type HostDemand,
  type Instance,
  InterfaceAttachPciClaimFailed,
  InterfaceAttachResourceAllocationFailed,
  type Mappings,
  type PciRequest,
  type RequestedPort,
} from '#model'
import { claimMore, hostOccupancies } from '#store'
import type { ConductorDeps } from './deps.ts'

/** What a port wants that is to be plugged into a server which has its place already. */
export interface PortWish {
  readonly cards?: readonly PciRequest[]
  readonly ports?: readonly RequestedPort[]
}

/** Where a port's wish is met, and what the server holds in placement without and with it. */
export interface PortRoom {
  readonly nodeId: string
  readonly mappings: Mappings
  /** Null: placement has nothing to do with it. */
  readonly amounts: { readonly before: Allocations; readonly after: Allocations } | null
}

const demandOf = ({ cards = [], ports = [] }: PortWish): HostDemand => {
  const wanting = ports.filter(port => port.groups.length > 0)
  return { numa: null, pci: cards, ...(wanting.length === 0 ? {} : { ports: wanting }) }
}

/** Only this host's providers; groups need a word about each other as soon as there are two. */
function queryOf({ ports = [] }: HostDemand, nodeId: string): CandidateQuery {
  const groups = ports.flatMap(port =>
    port.groups.map(({ id, resources, required }) => ({
      suffix: id,
      resources,
      required: required.map(trait => [trait]),
      forbidden: [],
      memberOf: [],
      notMemberOf: [],
      inTree: nodeId,
    })),
  )
  const sameSubtrees = ports.flatMap(({ sameSubtree }) => (sameSubtree.length === 0 ? [] : [sameSubtree]))
  const policy = groups.length > 1 ? { groupPolicy: 'none' as const } : {}
  return { groups, ...policy, rootRequired: [], rootForbidden: [], sameSubtrees }
}

/** The first of placement's answers for which the host has a free device as well. */
async function chosen(d: ConductorDeps, instance: Instance, demand: HostDemand, nodeId: string) {
  const node = await d.store.computeNodes.find({ uuid: nodeId })
  const occupancy = node === undefined ? undefined : (await hostOccupancies(d.store, [node])).get(nodeId)
  const { numa = null } = (await d.store.hostClaims.of(instance.id)) ?? {}
  const near = numa === null ? {} : { near: numa.cells.map(cell => cell.hostCell) }
  const found =
    demand.ports === undefined
      ? [{ allocations: {}, mappings: {} }]
      : (await d.placement.candidates(queryOf(demand, nodeId))).requests
  let refusal: string | undefined
  for (const candidate of found) {
    const names = await providerNames(d.placement, cardProviders(demand, candidate.mappings))
    const choice = deviceChoice(demand, nodeId, candidate.mappings, names)
    const answer =
      typeof choice === 'string'
        ? { refusal: choice }
        : demand.pci.length === 0 || occupancy === undefined
          ? { grant: undefined }
          : grantOf(occupancy, demand, { ...choice, ...near })
    if (!('refusal' in answer)) return candidate
    refusal ??= answer.refusal
  }
  if (refusal === undefined) throw InterfaceAttachResourceAllocationFailed({ id: instance.id })
  throw InterfaceAttachPciClaimFailed({ id: instance.id }, { detail: refusal })
}

/** Finds room for a port on the server's host; undefined where it wants none. */
export async function findRoom(
  d: ConductorDeps,
  instance: Instance & { readonly host: string },
  wish: PortWish,
): Promise<PortRoom | undefined> {
  const demand = demandOf(wish)
  if (demand.pci.length === 0 && demand.ports === undefined) return undefined
  const node = await d.store.computeNodes.find({ host: instance.host })
  if (node === undefined) throw InterfaceAttachResourceAllocationFailed({ id: instance.id })
  const { allocations, mappings } = await chosen(d, instance, demand, node.uuid)
  if (demand.ports === undefined) return { nodeId: node.uuid, mappings, amounts: null }
  const before = (await d.placement.consumer(instance.id)).allocations
  return { nodeId: node.uuid, mappings, amounts: { before, after: sum(before, allocations) } }
}

/** The server holds exactly this from now on; again is no error. */
export async function holdExactly(d: ConductorDeps, instance: Instance, allocations: Allocations): Promise<void> {
  const { id: consumerId, projectId, userId } = instance
  await d.placement.reallocate([{ consumerId, consumerType: 'INSTANCE', allocations, projectId, userId }])
}

export async function takeRoom(d: ConductorDeps, instance: Instance, { amounts }: PortRoom): Promise<void> {
  if (amounts === null) return
  try {
    await holdExactly(d, instance, amounts.after)
  } catch (error) {
    // Somebody was faster.
    if (!NoCapacity.is(error) && !PlacementConflict.is(error)) throw error
    throw InterfaceAttachResourceAllocationFailed({ id: instance.id }, { cause: error })
  }
}

/** The device, and which provider the port has, by name. */
export async function takeDevice(
  d: ConductorDeps,
  instance: Instance,
  wish: PortWish,
  { nodeId, mappings }: PortRoom,
): Promise<void> {
  const demand = demandOf(wish)
  const names = await providerNames(d.placement, cardProviders(demand, mappings))
  const { id } = instance
  const refusal = await claimMore(d.store, {
    consumerId: id,
    instanceId: id,
    nodeId,
    demand,
    mappings,
    providerNames: names,
  })
  if (refusal !== undefined) throw InterfaceAttachPciClaimFailed({ id }, { detail: refusal })
}

/** What the server holds without this port; undefined: the port holds nothing. */
export async function holdingWithout(d: ConductorDeps, id: string, portId: string): Promise<Allocations | undefined> {
  const claim = await d.store.hostClaims.of(id)
  const own = claim?.ports.filter(port => port.portId === portId) ?? []
  if (own.length === 0) return undefined
  const { allocations } = await d.placement.consumer(id)
  return own.reduce((left, { providerId, resources }) => difference(left, { [providerId]: resources }), allocations)
}

/** The server asks for the port's wish again when it moves. */
export async function rememberWish(d: ConductorDeps, id: string, { cards = [], ports = [] }: PortWish): Promise<void> {
  const spec = await d.store.requestSpecs.find(id)
  if (spec === undefined || cards.length + ports.length === 0) return
  const known = spec.pciRequests ?? []
  const added = cards.filter(card => !known.some(one => one.id === card.id))
  const others = (spec.ports ?? []).filter(port => !ports.some(one => one.id === port.id))
  await d.store.requestSpecs.save(id, { ...spec, pciRequests: [...known, ...added], ports: [...others, ...ports] })
}
