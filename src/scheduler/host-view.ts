/**
 * The hosts in memory, as Nova's databases know them.
 *
 * Theory of operation. Every look reads the marks of the store, one statement, and then what has changed since the last
 * look: the nodes and services that carry a later number, the aggregates or the free devices as a whole. What a host is to
 * the scheduler is put together anew only where something of it has changed, so ten thousand hosts cost a comparison each.
 *
 * Heartbeats move no mark. They only ever make a service younger: that it is up can be told from an old time, and of one
 * that seems to be down the time is looked up. Looks wait for each other, and each reads the marks after it was asked for, so
 * what was written before a request is seen by it.
 *
 * Whoever changes rows by hand, or with a release that moves no marks, is seen within `rereadMs`.
 */
import { type Clock, SerialQueue } from '#base'
import { type ComputeNode, type HostMarks, isServiceUp, type Service, type Store } from '#store'
import type { AggregateWithHosts, NodeName, SchedulerHost } from './host-source.ts'

/** All is read again after this time. */
const rereadMs = 60_000

const binary = 'nova-compute'
const MiBPerGiB = 1024
const nobody: ReadonlySet<string> = new Set()
const unread: HostMarks = { services: 0, nodes: 0, aggregates: 0, devices: 0, removals: -1 }

/** A node, and what was made of it last. */
interface Known {
  readonly node: ComputeNode
  /** Absent: nobody works there. */
  service: Service | undefined
  state: SchedulerHost | undefined
}

/** What was last told of a list of nodes, where all of them that can be are up. */
interface KnownList {
  readonly states: readonly SchedulerHost[]
  readonly ioOps: ReadonlyMap<string, number>
  readonly version: number
  readonly fromMs: number
  /** Then the first of them needs to have been heard of again. */
  readonly untilMs: number
}

export class HostView {
  readonly #store: Store
  readonly #clock: Clock
  readonly #serviceDownTimeMs: number
  readonly #queue = new SerialQueue()
  readonly #nodes = new Map<string, Known>()
  readonly #services = new Map<string, Service>()
  #aggregates: readonly AggregateWithHosts[] = []
  #aggregatesOf: ReadonlyMap<string, readonly AggregateWithHosts[]> = new Map()
  #freeDevices: ReadonlyMap<string, number> = new Map()
  /** By the list of ids itself: questions about the same hosts come with the same one. */
  readonly #lists = new WeakMap<readonly string[], KnownList>()
  /** Moves with everything that is read. */
  #version = 0
  #marks = unread
  #rereadAtMs = 0

  constructor(store: Store, clock: Clock, serviceDownTimeMs: number) {
    this.#store = store
    this.#clock = clock
    this.#serviceDownTimeMs = serviceDownTimeMs
  }

  /** Hosts of these nodes in their order, as if they were empty; `ioOps` by host. */
  async states(nodeIds: readonly string[], ioOps: ReadonlyMap<string, number>): Promise<readonly SchedulerHost[]> {
    await this.#look()
    const last = this.#lists.get(nodeIds)
    if (last !== undefined && this.#isStill(last, ioOps)) return last.states
    const found: Known[] = []
    for (const id of nodeIds) {
      const known = this.#nodes.get(id)
      if (known?.service !== undefined) found.push(known)
    }
    const version = this.#version
    await this.#lookForLife(found)
    const now = this.#clock.now()
    const states: SchedulerHost[] = []
    let untilMs = Number.POSITIVE_INFINITY
    let isQuiet = false
    for (const known of found) {
      const { node, service, state: old } = known
      if (service === undefined) continue
      const isUp = isServiceUp(service, now, this.#serviceDownTimeMs)
      if (isUp) untilMs = Math.min(untilMs, service.lastSeenAtMs + this.#serviceDownTimeMs)
      else if (!service.isForcedDown) isQuiet = true
      const numIoOps = ioOps.size === 0 ? 0 : (ioOps.get(node.host) ?? 0)
      if (old === undefined) known.state = this.#stateOf(node, service, isUp, numIoOps)
      else if (old.isUp !== isUp || old.numIoOps !== numIoOps) known.state = { ...old, isUp, numIoOps }
      if (known.state !== undefined) states.push(known.state)
    }
    if (!isQuiet) this.#lists.set(nodeIds, { states, ioOps, version, fromMs: now, untilMs })
    return states
  }

  /** Nobody has changed, nobody has gone quiet, and nobody moves other disks than before. */
  #isStill({ ioOps: before, version, fromMs, untilMs }: KnownList, ioOps: ReadonlyMap<string, number>): boolean {
    const now = this.#clock.now()
    if (version !== this.#version || now < fromMs || now > untilMs || before.size !== ioOps.size) return false
    for (const [host, count] of ioOps) if (before.get(host) !== count) return false
    return true
  }

  async nodes(nodeIds: readonly string[]): Promise<readonly ComputeNode[]> {
    await this.#look()
    return nodeIds.flatMap(id => this.#nodes.get(id)?.node ?? [])
  }

  /** In the order of their numbers. */
  async names(): Promise<readonly NodeName[]> {
    await this.#look()
    return [...this.#nodes.values()]
      .map(({ node }) => node)
      .sort((a, b) => a.number - b.number)
      .map(({ uuid, host, description }) => ({ nodeId: uuid, host, node: description.hypervisorHostname }))
  }

  async aggregates(): Promise<readonly AggregateWithHosts[]> {
    await this.#look()
    return this.#aggregates
  }

  #look(): Promise<void> {
    return this.#queue.run(async () => {
      const marks = await this.#store.hostMarks()
      const now = this.#clock.now()
      const isOld = now >= this.#rereadAtMs || now < this.#rereadAtMs - rereadMs
      const isGone = marks.removals !== this.#marks.removals
      if (!isOld && !isGone && isSame(marks, this.#marks)) return
      if (isOld || isGone) await this.#readAll(now)
      else await this.#readChanges(marks)
      this.#marks = marks
      this.#version++
    })
  }

  async #readAll(now: number): Promise<void> {
    const { computeNodes, services } = this.#store
    const nodes = await computeNodes.list()
    const all = await services.list({ binary })
    await this.#readAggregates()
    this.#freeDevices = await this.#store.pciDevices.freeCounts()
    this.#nodes.clear()
    this.#services.clear()
    for (const service of all) this.#services.set(service.host, service)
    for (const node of nodes) this.#put(node)
    this.#rereadAtMs = now + rereadMs
  }

  async #readChanges(marks: HostMarks): Promise<void> {
    const { computeNodes, services } = this.#store
    const known = this.#marks
    if (marks.nodes !== known.nodes) {
      for (const node of await computeNodes.changedSince(known.nodes)) this.#put(node)
    }
    if (marks.services !== known.services) {
      const changed = await services.changedSince(binary, known.services)
      for (const service of changed) this.#services.set(service.host, service)
      const hosts = new Set(changed.map(({ host }) => host))
      for (const { node } of this.#nodes.values()) if (hosts.has(node.host)) this.#put(node)
    }
    if (marks.aggregates !== known.aggregates) {
      await this.#readAggregates()
      this.#forgetStates(() => true)
    }
    if (marks.devices !== known.devices) {
      const before = this.#freeDevices
      this.#freeDevices = await this.#store.pciDevices.freeCounts()
      this.#forgetStates(({ uuid }) => before.get(uuid) !== this.#freeDevices.get(uuid))
    }
  }

  #put(node: ComputeNode): void {
    this.#nodes.set(node.uuid, { node, service: this.#services.get(node.host), state: undefined })
  }

  async #readAggregates(): Promise<void> {
    this.#aggregates = await this.#store.aggregates.list()
    this.#aggregatesOf = byHost(this.#aggregates)
  }

  #forgetStates(isOf: (node: ComputeNode) => boolean): void {
    for (const known of this.#nodes.values()) if (isOf(known.node)) known.state = undefined
  }

  /** Of services that seem to have gone quiet: when they were last heard of. */
  async #lookForLife(found: readonly Known[]): Promise<void> {
    const now = this.#clock.now()
    const quiet: number[] = []
    for (const known of found) {
      const { service } = known
      if (service === undefined || service.isForcedDown) continue
      if (!isServiceUp(service, now, this.#serviceDownTimeMs)) quiet.push(service.number)
    }
    if (quiet.length === 0) return
    const seen = await this.#store.services.lastSeen(quiet)
    for (const known of found) {
      const { service } = known
      const lastSeenAtMs = service === undefined ? undefined : seen.get(service.number)
      if (service === undefined || lastSeenAtMs === undefined || lastSeenAtMs <= service.lastSeenAtMs) continue
      known.service = { ...service, lastSeenAtMs }
      // Another look may have put a newer one there meanwhile.
      if (this.#services.get(service.host) === service) this.#services.set(service.host, known.service)
    }
  }

  #stateOf(node: ComputeNode, service: Service, isUp: boolean, numIoOps: number): SchedulerHost {
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
      numInstances: 0,
      numIoOps,
      failedBuilds: node.failedBuilds,
      instanceIds: nobody,
      aggregates: this.#aggregatesOf.get(node.host) ?? [],
      metrics: Object.fromEntries(node.metrics.map(({ name, value }) => [name, value])),
      freePciDevices: this.#freeDevices.get(node.uuid) ?? 0,
    }
  }
}

const isSame = (a: HostMarks, b: HostMarks): boolean =>
  a.services === b.services && a.nodes === b.nodes && a.aggregates === b.aggregates && a.devices === b.devices

/** Hosts that are in the same aggregates share one list, so that what is made of it is made once. */
function byHost(aggregates: readonly AggregateWithHosts[]): ReadonlyMap<string, readonly AggregateWithHosts[]> {
  const found = new Map<string, AggregateWithHosts[]>()
  for (const aggregate of aggregates) {
    for (const host of aggregate.hosts) {
      const list = found.get(host)
      if (list === undefined) found.set(host, [aggregate])
      else list.push(aggregate)
    }
  }
  const shared = new Map<string, readonly AggregateWithHosts[]>()
  return new Map(
    [...found].map(([host, list]) => {
      const key = list.map(({ id }) => id).join()
      const known = shared.get(key) ?? list
      shared.set(key, known)
      return [host, known]
    }),
  )
}
