import { aggregateValues } from '../aggregate-metadata.ts'
import type { HostFilter } from './filter.ts'

/** Hosts in an aggregate with `instance_type` take flavors of the names listed there only. */
export const aggregateTypeAffinityFilter: HostFilter = {
  name: 'AggregateTypeAffinityFilter',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare:
    ({ spec: { flavor } }) =>
    host => {
      const lists = aggregateValues(host.aggregates, 'instance_type')
      if (lists.length === 0) return true
      const names = lists.flatMap(list => list.split(',')).map(name => name.trim())
      return (
        names.includes(flavor.name) || `the flavor is ${flavor.name}, the host's aggregates take ${names.join(', ')}`
      )
    },
}
