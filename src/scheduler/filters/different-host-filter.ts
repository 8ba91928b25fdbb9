import type { HostFilter } from './filter.ts'
import { anyInstanceOf } from './instances-on-host.ts'

/** The hint `different_host`: a host with none of these servers. */
export const differentHostFilter: HostFilter = {
  name: 'DifferentHostFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare({ spec }) {
    const unwanted = spec.hints['different_host'] ?? []
    if (unwanted.length === 0) return null
    return host => {
      const found = anyInstanceOf(host, unwanted)
      return found === undefined || `the server ${found}, which the hint different_host names, is on this host`
    }
  },
}
