import type { Candidates, ProviderSummary } from '#cloud'
import type { SchedulerHost } from './host-source.ts'

const MiBPerGiB = 1024

interface Merged {
  readonly summary: ProviderSummary
  readonly host: SchedulerHost
}

/**
 * Hosts with what placement says is taken of them: claims of a moment ago are in it, which no report of a host has yet.
 * Disk that is shared belongs to another provider and tells nothing about one host. Most hosts and their summaries are the
 * very objects of the request before, and so is then what was made of the two.
 */
export class UsageShelf {
  readonly #known = new WeakMap<SchedulerHost, Merged>()

  withUsage(hosts: readonly SchedulerHost[], summaries: Candidates['summaries']): readonly SchedulerHost[] {
    return hosts.map(host => {
      const summary = summaries[host.nodeId]
      if (summary === undefined) return host
      const known = this.#known.get(host)
      if (known !== undefined && known.summary === summary) return known.host
      const merged = merge(host, summary)
      this.#known.set(host, { summary, host: merged })
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
