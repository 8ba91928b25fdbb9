import { aggregateNumber } from '../aggregate-metadata.ts'
import type { HostFilter } from './filter.ts'
import { ioOpsBelow } from './io-ops-filter.ts'

/** IoOpsFilter with `max_io_ops_per_host` from the host's aggregates, the smallest of them. */
export const aggregateIoOpsFilter: HostFilter = {
  name: 'AggregateIoOpsFilter',
  isOncePerRequest: false,
  runsOnRebuild: false,
  prepare({ options }) {
    const limit = options.filter_scheduler.max_io_ops_per_host
    return host => ioOpsBelow(host.numIoOps, aggregateNumber(host.aggregates, 'max_io_ops_per_host', limit))
  },
}
