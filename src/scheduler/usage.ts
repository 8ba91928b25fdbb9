import type { Candidates } from '#cloud'
import type { SchedulerHost } from './host-source.ts'

const MiBPerGiB = 1024

/**
 * Hosts with what placement says is taken of them: claims of a moment ago are in it, which no report of a host has yet.
 * Disk that is shared belongs to another provider and tells nothing about one host.
 */
export function withUsage(
  hosts: readonly SchedulerHost[],
  summaries: Candidates['summaries'],
): readonly SchedulerHost[] {
  return hosts.map(host => {
    const resources = summaries[host.nodeId]?.resources
    if (resources === undefined) return host
    const used = (name: string): number => resources[name]?.used ?? 0
    return {
      ...host,
      vcpusUsed: used('VCPU') + used('PCPU'),
      ramFreeMiB: host.ramTotalMiB - used('MEMORY_MB'),
      diskFreeMiB: (host.diskTotalGiB - used('DISK_GB')) * MiBPerGiB,
    }
  })
}
