import { aggregateNumber } from '../aggregate-metadata.ts'
import type { HostFilter } from './filter.ts'
import { instancesBelow } from './num-instances-filter.ts'

/** NumInstancesFilter with `max_instances_per_host` from the host's aggregates, the smallest of them. */
export const aggregateNumInstancesFilter: HostFilter = {
  name: 'AggregateNumInstancesFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ options }) {
    const limit = options.filter_scheduler.max_instances_per_host
    return host => instancesBelow(host.numInstances, aggregateNumber(host.aggregates, 'max_instances_per_host', limit))
  },
}
