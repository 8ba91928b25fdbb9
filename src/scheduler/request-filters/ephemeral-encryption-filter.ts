import { isStandardTrait } from '#model'
import { asksFor, demand } from '../placement-query/flavor-demands.ts'
import type { RequestFilter } from './request-filter.ts'

/** Encrypted local disks, asked for by flavor or image, in a format or any. */
export const ephemeralEncryptionFilter: RequestFilter = {
  name: 'ephemeral_encryption_filter',
  apply({ spec }) {
    if (!asksFor(spec, 'ephemeral_encryption') && spec.hasEncryptedDisks !== true) return null
    const format = demand(spec, 'ephemeral_encryption_format')
    const rootRequired = ['COMPUTE_EPHEMERAL_ENCRYPTION']
    if (format !== undefined) {
      const trait = `COMPUTE_EPHEMERAL_ENCRYPTION_${format.toUpperCase()}`
      if (!isStandardTrait(trait)) return { refuses: `Ephemeral encryption format '${format}' is not supported.` }
      rootRequired.push(trait)
    }
    return { says: `encrypted local disks${format === undefined ? '' : ` (${format})`}`, change: { rootRequired } }
  },
}
