import { anAggregate } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { aggregateIoOpsFilter } from './aggregate-io-ops-filter.ts'

filterTable(aggregateIoOpsFilter, [
  { when: 'the option where no aggregate says', host: { numIoOps: 7 } },
  {
    when: 'the smallest of the aggregates',
    host: {
      numIoOps: 2,
      aggregates: [anAggregate({ max_io_ops_per_host: '2' }), anAggregate({ max_io_ops_per_host: '10' }, 2)],
    },
    refuses: '2 disk-heavy operations are running, fewer than 2 needed (max_io_ops_per_host)',
  },
  { when: 'no number: the option', host: { numIoOps: 7, aggregates: [anAggregate({ max_io_ops_per_host: 'few' })] } },
])
