import { requiredTraits } from '../placement-query/flavor-demands.ts'
import type { RequestFilter } from './request-filter.ts'

/** Aggregates with `trait:X=required` are kept for requests that require X. */
export const isolateAggregates: RequestFilter = {
  name: 'isolate_aggregates',
  apply({ spec, options, aggregates }) {
    if (!options.scheduler.enable_isolated_aggregate_filtering) return null
    const required = requiredTraits(spec)
    const closed = aggregates.filter(({ metadata }) =>
      Object.entries(metadata).some(
        ([key, value]) => key.startsWith('trait:') && value === 'required' && !required.has(key.slice('trait:'.length)),
      ),
    )
    if (closed.length === 0) return { says: 'no aggregate is closed to this request' }
    const names = closed.map(aggregate => aggregate.name).join(', ')
    return { says: `not in ${names}: their traits are not asked for`, change: { notMemberOf: closed.map(a => a.uuid) } }
  },
}
