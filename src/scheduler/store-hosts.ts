import type { Clock } from '#base'
import {
  type ComputeNode,
  claimHost,
  type HostLoad,
  hostOccupancies,
  isServiceUp,
  releaseHost,
  type Service,
  type Store,
} from '#store'
import type { HostClaimer } from './claim-host.ts'
import type { AggregateWithHosts, HostSource, SchedulerHost } from './host-source.ts'

export interface StoreHostOptions {
  readonly serviceDownTimeMs: number
}

const MiBPerGiB = 1024

const noLoad: HostLoad = { instances: 0, ioOps: 0 }

/** Claims of what hosts have by name, in Nova's database. */
export const storeClaims = (store: Store): HostClaimer => ({
  claim: wish => claimHost(store, wish),
  release: consumerId => releaseHost(store, consumerId),
})

/** As if the host were empty: what is in use placement knows, exactly and at once (`usage.ts`). */
function stateOf(
  node: ComputeNode,
  service: Service,
  load: HostLoad,
  aggregates: readonly AggregateWithHosts[],
  instanceIds: ReadonlySet<string>,
  isUp: boolean,
  freePciDevices: number,
): SchedulerHost {
  const { description: d } = node
  return {
    host: node.host,
    node: d.hypervisorHostname,
    nodeId: node.uuid,
    isEnabled: !service.isDisabled,
    isUp,
    disabledReason: service.disabledReason,
    vcpusTotal: d.vcpus,
    vcpusUsed: 0,
    cpuAllocationRatio: node.cpuAllocationRatio,
    ramTotalMiB: d.memoryMiB,
    ramFreeMiB: d.memoryMiB,
    ramAllocationRatio: node.ramAllocationRatio,
    diskTotalGiB: d.localDiskGiB,
    diskFreeMiB: d.localDiskGiB * MiBPerGiB,
    diskAllocationRatio: node.diskAllocationRatio,
    hypervisorType: d.hypervisorType,
    hypervisorVersion: d.hypervisorVersion,
    supportedInstances: d.supportedInstances,
    cpuInfo: d.cpuInfo,
    hostIp: d.hostIp,
    numInstances: load.instances,
    numIoOps: load.ioOps,
    failedBuilds: node.failedBuilds,
    instanceIds,
    aggregates: aggregates.filter(a => a.hosts.includes(node.host)),
    metrics: Object.fromEntries(node.metrics.map(({ name, value }) => [name, value])),
    freePciDevices,
  }
}

/** What was read of a node, and when: what was written in the same moment may still change without a new mark. */
interface KnownNode {
  readonly node: ComputeNode
  readonly isSettled: boolean
}

/** Longer than a report takes to be written. */
const settledAfterMs = 2000

/** The descriptions of nodes as last reported: long, and nearly always the same from one request to the next. */
class NodeShelf {
  readonly #store: Store
  readonly #clock: Clock
  readonly #known = new Map<string, KnownNode>()

  constructor(store: Store, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async nodes(wanted: ReadonlySet<string>): Promise<readonly ComputeNode[]> {
    const { computeNodes } = this.#store
    const all = await computeNodes.marks()
    this.#forgetAllBut(all)
    const marks = all.filter(({ uuid }) => wanted.has(uuid))
    const stale = marks.filter(({ uuid, updatedAtMs }) => {
      const known = this.#known.get(uuid)
      return known === undefined || !known.isSettled || known.node.updatedAtMs !== updatedAtMs
    })
    const now = this.#clock.now()
    for (const node of await computeNodes.some(stale.map(({ uuid }) => uuid)))
      this.#known.set(node.uuid, { node, isSettled: now - node.updatedAtMs > settledAfterMs })
    return marks.flatMap(({ uuid }) => this.#known.get(uuid)?.node ?? [])
  }

  /** Nodes that are gone. */
  #forgetAllBut(present: readonly { readonly uuid: string }[]): void {
    if (this.#known.size <= present.length) return
    const ids = new Set(present.map(({ uuid }) => uuid))
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id)
  }
}

function byHost(places: readonly { readonly id: string; readonly host: string | null }[]) {
  const found = new Map<string, Set<string>>()
  for (const { id, host } of places) {
    if (host === null) continue
    const ids = found.get(host) ?? new Set<string>()
    found.set(host, ids.add(id))
  }
  return found
}

/** The hosts as Nova's databases know them, in a fixed number of statements. */
export function storeHosts(store: Store, clock: Clock, options: StoreHostOptions): HostSource {
  const shelf = new NodeShelf(store, clock)
  return {
    async hostStates(nodeIds, askedServers = []) {
      const nodes = await shelf.nodes(new Set(nodeIds))
      const services = new Map((await store.services.list({ binary: 'nova-compute' })).map(s => [s.host, s]))
      const load = await store.computeNodes.load()
      const aggregates = await store.aggregates.list()
      const onHosts = byHost(await store.instances.placesOf(askedServers))
      const freeDevices = await store.pciDevices.freeCounts()
      const now = clock.now()
      return nodes.flatMap(node => {
        const service = services.get(node.host)
        if (service === undefined) return []
        const isUp = isServiceUp(service, now, options.serviceDownTimeMs)
        return [
          stateOf(
            node,
            service,
            load.get(node.host) ?? noLoad,
            aggregates,
            onHosts.get(node.host) ?? new Set(),
            isUp,
            freeDevices.get(node.uuid) ?? 0,
          ),
        ]
      })
    },
    async occupancies(nodeIds) {
      return hostOccupancies(store, await shelf.nodes(new Set(nodeIds)))
    },
    async findNodes({ host, node }) {
      const nodes = await store.computeNodes.list()
      return nodes
        .filter(n => host === null || n.host.toLowerCase() === host.toLowerCase())
        .filter(n => node === null || n.description.hypervisorHostname === node)
        .map(n => ({ nodeId: n.uuid, host: n.host, node: n.description.hypervisorHostname }))
    },
    imageProperties: () => store.computeNodes.imagePropertyTallies(),
    serverCounts: () => store.computeNodes.serverTallies(),
    aggregates: () => store.aggregates.list(),
    oldestCompute: () => store.services.oldest('nova-compute'),
  }
}
