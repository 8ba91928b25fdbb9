import { filterTable } from '../testing.ts'
import { ioOpsFilter } from './io-ops-filter.ts'

filterTable(ioOpsFilter, [
  { when: 'below', host: { numIoOps: 7 } },
  {
    when: 'at the limit',
    host: { numIoOps: 8 },
    refuses: '8 disk-heavy operations are running, fewer than 8 needed (max_io_ops_per_host)',
  },
  { when: 'another limit', host: { numIoOps: 8 }, options: { filter_scheduler: { max_io_ops_per_host: 9 } } },
])
