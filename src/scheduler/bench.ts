import { instanceId } from '#base'
import type { Candidates, ProviderSummary } from '#cloud'
import type { AggregateView } from '#model'
import type { SchedulerHost } from './host-source.ts'
import { schedulerOptions } from './options.ts'
import { aFlavor, aHost, anAggregate, anImage, aSpec } from './samples.ts'
import { select } from './select.ts'

export interface BenchOptions {
  readonly hostCounts?: readonly number[]
  readonly rounds?: number
  readonly print: (line: string) => void
}

export interface BenchReport {
  readonly hosts: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The thread's own time, on average: what a busy machine does not add to. */
  readonly cpuMeanMs: number
  /** What p99 may be, where that was promised. */
  readonly aimMs: number | null
}

const aims = new Map([
  [1000, 2],
  [10_000, 15],
])

/**
 * Measures the pure part: candidates and host states in, a chosen host with alternates out, under the default filters
 * and weighers, with an image that names its architecture and hosts in two aggregates each.
 */
export function benchScheduler({ hostCounts = [100, 1000, 10_000], rounds = 300, print }: BenchOptions): BenchReport[] {
  const reports: BenchReport[] = []
  for (const count of hostCounts) {
    const { wall, cpu } = measure(count, rounds)
    const aimMs = aims.get(count) ?? null
    const report = { hosts: count, p50Ms: at(wall, 0.5), p99Ms: at(wall, 0.99), cpuMeanMs: cpu, aimMs }
    reports.push(report)
    const isMet = report.p99Ms <= (aimMs ?? Number.POSITIVE_INFINITY)
    const aim = aimMs === null ? '' : `, aim ${aimMs} ms: ${isMet ? 'met' : 'MISSED'}`
    const ms = (value: number) => `${value.toFixed(2)} ms`
    const times = `p50 ${ms(report.p50Ms)}, p99 ${ms(report.p99Ms)}, mean CPU ${ms(report.cpuMeanMs)}`
    print(`scheduler select ${count} hosts: ${times}${aim}`)
  }
  return reports
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

function measure(count: number, rounds: number): { wall: number[]; cpu: number } {
  const { hosts, candidates } = cloud(count)
  const options = schedulerOptions()
  const spec = aSpec({
    flavor: aFlavor({ vcpus: 2 }),
    image: anImage({ hw_architecture: 'x86_64', hw_vm_mode: 'hvm' }),
  })
  const instanceIds = [instanceId('bench')]
  const wall: number[] = []
  let before = process.threadCpuUsage()
  // The first rounds run uncompiled code.
  const warmUp = rounds
  for (let round = 0; round < rounds + warmUp; round++) {
    if (round === warmUp) before = process.threadCpuUsage()
    const start = performance.now()
    const { choices } = select({ spec, instanceIds, hosts, candidates, options, random: () => 0 })
    const took = performance.now() - start
    if (choices.length !== 1) throw new Error('the bench found no host')
    if (round >= warmUp) wall.push(took)
  }
  const { user, system } = process.threadCpuUsage(before)
  return { wall: wall.sort((a, b) => a - b), cpu: (user + system) / 1000 / rounds }
}

/** Hosts of differing fullness; one in fifty is down. */
function cloud(count: number): { hosts: readonly SchedulerHost[]; candidates: Candidates } {
  const zones = [1, 2, 3].map(id => anAggregate({ availability_zone: `zone${id}` }, id))
  const racks = Array.from({ length: 40 }, (_, rack) => anAggregate({ rack: `${rack}` }, 100 + rack))
  // Hosts in the same aggregates have one list, as from the store.
  const lists = new Map<string, readonly AggregateView[]>()
  const aggregatesOf = (number: number) => {
    const key = `${number % zones.length} ${number % racks.length}`
    const known = lists.get(key)
    if (known !== undefined) return known
    const made = [zones[number % zones.length], racks[number % racks.length]].filter(one => one !== undefined)
    lists.set(key, made)
    return made
  }
  const hosts = Array.from({ length: count }, (_, number) => {
    const used = (number * 7919) % 16
    return aHost({
      host: `host${number}`,
      isUp: number % 50 !== 0,
      vcpusUsed: used,
      ramFreeMiB: 32_768 - used * 2048,
      diskFreeMiB: 1_024_000 - used * 20_480,
      numInstances: used,
      numIoOps: number % 3,
      aggregates: aggregatesOf(number),
    })
  })
  const resources = { VCPU: 2, MEMORY_MB: 2048, DISK_GB: 20 }
  const summaries: Record<string, ProviderSummary> = {}
  for (const { nodeId, vcpusUsed } of hosts) {
    const stock = { VCPU: { capacity: 64, used: vcpusUsed }, MEMORY_MB: { capacity: 32_768, used: vcpusUsed * 2048 } }
    summaries[nodeId] = { rootId: nodeId, parentId: null, resources: stock, traits: [] }
  }
  const requests = hosts.map(({ nodeId }) => ({ allocations: { [nodeId]: resources }, mappings: { '': [nodeId] } }))
  const places = new Map(hosts.map(({ nodeId }, place) => [nodeId, place]))
  const ids = [...places.keys()]
  const summaryAt = (at: number) => summaries[ids[at] ?? ''] ?? fail()
  // As the built-in placement answers where every tree is one provider.
  const alone = {
    ids,
    request: (id: string) => requests[places.get(id) ?? -1],
    summary: (id: string) => summaries[id],
    summaryAt,
  }
  return { hosts, candidates: { requests, summaries, alone } }
}

const fail = (): never => {
  throw new Error('the bench asks for a candidate that is not there')
}
