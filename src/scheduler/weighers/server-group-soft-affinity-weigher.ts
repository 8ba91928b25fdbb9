import { membersOn } from './group-members.ts'
import type { HostWeigher } from './weigher.ts'

/** Policy soft-affinity: prefers hosts with more servers of the group. */
export const serverGroupSoftAffinityWeigher: HostWeigher = {
  name: 'ServerGroupSoftAffinityWeigher',
  multiplierName: 'soft_affinity_weight_multiplier',
  multiplier: options => options.filter_scheduler.soft_affinity_weight_multiplier,
  prepare({ spec: { serverGroup } }) {
    if (serverGroup?.policy !== 'soft-affinity') return null
    const members = membersOn(serverGroup)
    return host => members(host)
  },
}
