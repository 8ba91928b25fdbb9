import type { HostFilter } from './filter.ts'

/** Policy anti-affinity: at most `max_server_per_host` servers of the group on one host. */
export const serverGroupAntiAffinityFilter: HostFilter = {
  name: 'ServerGroupAntiAffinityFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ spec: { serverGroup }, instanceId }) {
    if (serverGroup?.policy !== 'anti-affinity') return null
    const { members, maxServerPerHost } = serverGroup
    const hosts = new Set(serverGroup.hosts)
    return host => {
      // A server may always stay where it is: resize to the same host.
      if (instanceId !== null && host.instanceIds.has(instanceId)) return true
      let here = 0
      for (const member of members) if (host.instanceIds.has(member)) here++
      // The group was read just now, the snapshot may be older and not yet know of a member's arrival.
      if (here === 0 && hosts.has(host.host)) here = 1
      return (
        here < maxServerPerHost ||
        `the group already has ${here} server${here === 1 ? '' : 's'} on this host, at most ${maxServerPerHost} allowed`
      )
    }
  },
}
