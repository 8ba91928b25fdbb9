import type { InstanceId } from '#base'
import { ManualClock, newUuid, silentLog } from '#base'
import type { CandidateQuery, Claim, PlacementPort, SubnetView } from '#cloud'
import {
  type AggregateWithHosts,
  createScheduler,
  type HostSource,
  type Scheduler,
  type SchedulerHost,
  type SchedulerOptions,
  type SchedulerOverrides,
  type SchedulingDecision,
  schedulerOptions,
} from '#scheduler'
import { anInventory, openWorld } from '../placement/fixtures.ts'

/** Numbers between 0 and 1 that are the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** A cloud's hosts in memory: what the store will be for the scheduler. */
export class HostShelf implements HostSource {
  readonly #hosts = new Map<string, SchedulerHost>()
  readonly #aggregates: AggregateWithHosts[] = []
  readonly #images = new Map<string, ReadonlyMap<string, number>>()
  /** The least version of nova-compute. */
  oldest: number | undefined

  get all(): readonly SchedulerHost[] {
    return [...this.#hosts.values()]
  }

  put(host: SchedulerHost): void {
    this.#hosts.set(host.nodeId, host)
  }

  addAggregate(aggregate: AggregateWithHosts): void {
    this.#aggregates.push(aggregate)
    for (const host of this.all.filter(one => aggregate.hosts.includes(one.host))) {
      this.put({ ...host, aggregates: [...host.aggregates, aggregate] })
    }
  }

  /** Servers there have these image properties, so often. */
  imagesOn(host: string, counts: Readonly<Record<string, number>>): void {
    this.#images.set(host, new Map(Object.entries(counts)))
  }

  async imageProperties() {
    return this.#images
  }

  async oldestCompute() {
    return this.oldest
  }

  /** The server now runs there. */
  land(nodeId: string, id: InstanceId, amounts: Readonly<Record<string, number>>): void {
    const host = this.#hosts.get(nodeId)
    if (host === undefined) throw new Error(`${nodeId} is no host`)
    this.put({
      ...host,
      vcpusUsed: host.vcpusUsed + (amounts['VCPU'] ?? 0),
      ramFreeMiB: host.ramFreeMiB - (amounts['MEMORY_MB'] ?? 0),
      numInstances: host.numInstances + 1,
      instanceIds: new Set(host.instanceIds).add(id),
    })
  }

  async hostStates(nodeIds: readonly string[]): Promise<readonly SchedulerHost[]> {
    return nodeIds.flatMap(id => this.#hosts.get(id) ?? [])
  }

  async findNodes({ host, node }: { host: string | null; node: string | null }) {
    return this.all.filter(
      one => (host === null || one.host.toLowerCase() === host.toLowerCase()) && (node === null || one.node === node),
    )
  }

  async aggregates(): Promise<readonly AggregateWithHosts[]> {
    return this.#aggregates
  }
}

export interface Cloud {
  readonly placement: PlacementPort
  readonly hosts: HostShelf
  readonly decisions: readonly SchedulingDecision[]
  /** Queries that the scheduler sent. */
  readonly queries: readonly CandidateQuery[]
  /** Runs before the next claim reaches placement: somebody else who is faster. */
  beforeClaim(act: (claim: Claim) => Promise<void>): void
  scheduler(options?: SchedulerOverrides, seed?: number): Scheduler
  schedulerOf(options: SchedulerOptions, random: () => number): Scheduler
  /** On which every network is, if the network is asked. */
  readonly segment: string
  /** A compute node with its provider. */
  addHost(host: SchedulerHost, totals?: Readonly<Record<string, number>>): Promise<void>
  close(): Promise<void>
}

/** Hosts in memory over a real Placement in a temporary folder. */
export async function openCloud(): Promise<Cloud> {
  const world = await openWorld()
  const hosts = new HostShelf()
  const decisions: SchedulingDecision[] = []
  const queries: CandidateQuery[] = []
  let interfere: ((claim: Claim) => Promise<void>) | undefined
  const placement = watched(world.port, {
    candidates: query => queries.push(query),
    claim: async claim => {
      const act = interfere
      interfere = undefined
      await act?.(claim)
    },
  })
  const segment = newUuid()
  const subnet = { id: newUuid(), segmentId: segment } as SubnetView
  const network = { subnets: async () => [subnet], subnetsOfNetwork: async () => [subnet] }
  const schedulerOf = (options: SchedulerOptions, random: () => number) =>
    createScheduler({
      placement,
      hosts,
      network,
      options,
      log: silentLog,
      clock: new ManualClock(),
      random,
      onDecision: decision => decisions.push(decision),
    })
  return {
    placement: world.port,
    segment,
    hosts,
    decisions,
    queries,
    beforeClaim: act => {
      interfere = act
    },
    schedulerOf,
    scheduler: (overrides = {}, seed = 1) => schedulerOf(schedulerOptions(overrides), randomOf(seed)),
    addHost: async (host, totals = { VCPU: 64, MEMORY_MB: 32_768, DISK_GB: 1000 }) => {
      hosts.put(host)
      await world.port.ensureProvider({ id: host.nodeId, name: host.node })
      const inventories = Object.entries(totals).map(([name, total]) => [name, anInventory(total)] as const)
      await world.port.setInventories(host.nodeId, Object.fromEntries(inventories))
      if (!host.isEnabled) await world.port.setTraits(host.nodeId, ['COMPUTE_STATUS_DISABLED'])
    },
    close: () => world.remove(),
  }
}

/** The real port, with somebody looking on. */
function watched(
  port: PlacementPort,
  see: { candidates: (query: CandidateQuery) => void; claim: (claim: Claim) => Promise<void> },
): PlacementPort {
  return new Proxy(port, {
    get(target, name, receiver) {
      if (name === 'candidates') {
        return (query: CandidateQuery) => {
          see.candidates(query)
          return target.candidates(query)
        }
      }
      if (name === 'claim') {
        return async (claim: Claim) => {
          await see.claim(claim)
          return target.claim(claim)
        }
      }
      const member: unknown = Reflect.get(target, name, receiver)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
