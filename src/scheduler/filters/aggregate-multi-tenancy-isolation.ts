import { aggregateMetadata } from '../aggregate-metadata.ts'
import type { HostFilter } from './filter.ts'

/** Hosts in an aggregate with `filter_tenant_id…` take servers of the projects listed there only. */
export const aggregateMultiTenancyIsolation: HostFilter = {
  name: 'AggregateMultiTenancyIsolation',
  isOncePerRequest: true,
  runsOnRebuild: false,
  prepare:
    ({ spec: { projectId } }) =>
    host => {
      if (host.aggregates.length === 0) return true
      let isReserved = false
      for (const [key, projects] of aggregateMetadata(host.aggregates)) {
        if (!key.startsWith('filter_tenant_id')) continue
        if (projects.has(projectId)) return true
        isReserved = true
      }
      return !isReserved || 'the host is kept for other projects by the filter_tenant_id of its aggregates'
    },
}
