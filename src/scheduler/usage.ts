import type { Candidates, LoneCandidates, ProviderSummary } from '#cloud'
import type { SchedulerHost } from './host-source.ts'

const MiBPerGiB = 1024

/** What was made of which hosts and summaries, place by place. */
interface Row {
  readonly host: SchedulerHost
  readonly summary: ProviderSummary
  readonly merged: SchedulerHost
}

/**
 * Hosts with what placement says is taken of them: claims of a moment ago are in it, which no report of a host has yet.
 * Disk that is shared belongs to another provider and tells nothing about one host.
 *
 * From one request to the next nearly all hosts and their summaries are the very same objects, and so is then what is made of
 * the two, where the candidates are of the same providers in the same order.
 */
export class UsageShelf {
  readonly #known = new WeakMap<readonly string[], Row[]>()

  withUsage(hosts: readonly SchedulerHost[], candidates: Candidates): readonly SchedulerHost[] {
    const { alone } = candidates
    if (alone !== undefined && alone.ids.length === hosts.length) return this.#inOrder(hosts, alone)
    return hosts.map(host => {
      const summary = alone === undefined ? candidates.summaries[host.nodeId] : alone.summary(host.nodeId)
      return summary === undefined ? host : merge(host, summary)
    })
  }

  /** As many hosts as providers, and in their order: each is the one with the summary in its place. */
  #inOrder(hosts: readonly SchedulerHost[], alone: LoneCandidates): readonly SchedulerHost[] {
    const rows = this.#known.get(alone.ids) ?? []
    this.#known.set(alone.ids, rows)
    return hosts.map((host, place) => {
      const summary = alone.summaryAt(place)
      const row = rows[place]
      if (row !== undefined && row.host === host && row.summary === summary) return row.merged
      const merged = merge(host, summary)
      rows[place] = { host, summary, merged }
      return merged
    })
  }
}

function merge(host: SchedulerHost, { resources }: ProviderSummary): SchedulerHost {
  const used = (name: string): number => resources[name]?.used ?? 0
  return {
    ...host,
    vcpusUsed: used('VCPU') + used('PCPU'),
    ramFreeMiB: host.ramTotalMiB - used('MEMORY_MB'),
    diskFreeMiB: (host.diskTotalGiB - used('DISK_GB')) * MiBPerGiB,
  }
}
