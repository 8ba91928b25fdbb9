import { ownedByNova } from '#model'
import type { RequestFilter } from './request-filter.ts'

/** The first version of nova-compute that marks what is its own in placement. */
const marksItsOwn = 73

/** Hosts and devices of Nova only: others may have providers of the same classes in the same trees. */
export const ownerNovaFilter: RequestFilter = {
  name: 'owner_nova_filter',
  apply({ oldestCompute }) {
    if (oldestCompute === undefined || oldestCompute < marksItsOwn) return null
    return {
      says: `what is Nova's: ${ownedByNova}`,
      change: { rootRequired: [ownedByNova], deviceRequired: [ownedByNova] },
    }
  },
}
