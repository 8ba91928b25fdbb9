import type { RequestFilter } from './request-filter.ts'

export const disabledTrait = 'COMPUTE_STATUS_DISABLED'

/** Hosts whose compute service is disabled carry a trait and are left out in placement already. */
export const computeStatusFilter: RequestFilter = {
  name: 'compute_status_filter',
  apply: () => ({ says: `not ${disabledTrait}`, change: { rootForbidden: [disabledTrait] } }),
}
