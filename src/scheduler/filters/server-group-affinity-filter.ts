import type { HostFilter } from './filter.ts'

/** Policy affinity: where the group already is; the first server goes anywhere. */
export const serverGroupAffinityFilter: HostFilter = {
  name: 'ServerGroupAffinityFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ spec: { serverGroup } }) {
    if (serverGroup?.policy !== 'affinity' || serverGroup.hosts.length === 0) return null
    const hosts = new Set(serverGroup.hosts)
    const where = serverGroup.hosts.join(', ')
    return host => hosts.has(host.host) || `the group's servers are on ${where} and have to be together`
  },
}
