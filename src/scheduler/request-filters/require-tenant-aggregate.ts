import type { RequestFilter } from './request-filter.ts'

/** A project with aggregates of its own (metadata `filter_tenant_id…`) is kept to them. */
export const requireTenantAggregate: RequestFilter = {
  name: 'require_tenant_aggregate',
  apply({ spec: { projectId }, options: { scheduler }, aggregates }) {
    if (!scheduler.limit_tenants_to_placement_aggregate) return null
    const own = aggregates.filter(({ metadata }) =>
      Object.entries(metadata).some(([key, value]) => key.startsWith('filter_tenant_id') && value === projectId),
    )
    if (own.length > 0) {
      const names = own.map(aggregate => aggregate.name).join(', ')
      return { says: `aggregates of the project: ${names}`, change: { memberOfAny: own.map(({ uuid }) => uuid) } }
    }
    if (scheduler.placement_aggregate_required_for_tenants) return { refuses: 'No hosts available for tenant' }
    return { says: 'no aggregate is kept for the project: any host' }
  },
}
