import { membersOn } from './group-members.ts'
import type { HostWeigher } from './weigher.ts'

/** Policy soft-anti-affinity: prefers hosts with fewer servers of the group. */
export const serverGroupSoftAntiAffinityWeigher: HostWeigher = {
  name: 'ServerGroupSoftAntiAffinityWeigher',
  multiplierName: 'soft_anti_affinity_weight_multiplier',
  multiplier: options => options.filter_scheduler.soft_anti_affinity_weight_multiplier,
  prepare({ spec: { serverGroup } }) {
    if (serverGroup?.policy !== 'soft-anti-affinity') return null
    const members = membersOn(serverGroup)
    return host => -members(host)
  },
}
