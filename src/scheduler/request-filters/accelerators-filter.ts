import type { RequestFilter } from './request-filter.ts'

/** A flavor with an accelerator profile needs a host that manages accelerators. */
export const acceleratorsFilter: RequestFilter = {
  name: 'accelerators_filter',
  apply({ spec }) {
    const profile = spec.flavor.extraSpecs['accel:device_profile']
    if (!profile) return null
    return { says: `device profile ${profile}`, change: { rootRequired: ['COMPUTE_ACCELERATORS'] } }
  },
}
