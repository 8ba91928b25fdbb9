import { disabledTrait } from '#cloud'
import type { RequestFilter } from './request-filter.ts'

/** Hosts whose compute service is disabled carry a trait and are left out in placement already. */
export const computeStatusFilter: RequestFilter = {
  name: 'compute_status_filter',
  apply: () => ({ says: `not ${disabledTrait}`, change: { rootForbidden: [disabledTrait] } }),
}
