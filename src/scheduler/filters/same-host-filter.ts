import type { HostFilter } from './filter.ts'
import { anyInstanceOf } from './instances-on-host.ts'

/** The hint `same_host`: a host with at least one of these servers. */
export const sameHostFilter: HostFilter = {
  name: 'SameHostFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare({ spec }) {
    const wanted = spec.hints['same_host'] ?? []
    if (wanted.length === 0) return null
    return host =>
      anyInstanceOf(host, wanted) !== undefined || `none of the servers ${wanted.join(', ')} is on this host`
  },
}
