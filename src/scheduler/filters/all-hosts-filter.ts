import type { HostFilter } from './filter.ts'

/** Refuses nothing. */
export const allHostsFilter: HostFilter = {
  name: 'AllHostsFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare: () => null,
}
