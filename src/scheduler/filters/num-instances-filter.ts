import type { HostFilter } from './filter.ts'

/** At most so many servers on one host. */
export const numInstancesFilter: HostFilter = {
  name: 'NumInstancesFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare:
    ({ options }) =>
    host =>
      instancesBelow(host.numInstances, options.filter_scheduler.max_instances_per_host),
}

export const instancesBelow = (there: number, limit: number): true | string =>
  there < limit || `${there} servers are there, fewer than ${limit} needed (max_instances_per_host)`
