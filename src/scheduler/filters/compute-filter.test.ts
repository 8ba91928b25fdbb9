import { filterTable } from '../testing.ts'
import { computeFilter } from './compute-filter.ts'

filterTable(computeFilter, [
  { when: 'enabled and up' },
  { when: 'disabled', host: { isEnabled: false }, refuses: 'the compute service is disabled' },
  {
    when: 'disabled with a reason',
    host: { isEnabled: false, isUp: false, disabledReason: 'maintenance' },
    refuses: 'the compute service is disabled (maintenance)',
  },
  {
    when: 'down',
    host: { isUp: false },
    refuses: 'the compute service is down: it was forced down or has not reported in time',
  },
])
