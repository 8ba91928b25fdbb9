import { anAggregate } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { aggregateNumInstancesFilter } from './aggregate-num-instances-filter.ts'

filterTable(aggregateNumInstancesFilter, [
  { when: 'the option where no aggregate says', host: { numInstances: 49 } },
  {
    when: 'an aggregate that allows more',
    host: { numInstances: 60, aggregates: [anAggregate({ max_instances_per_host: '61' })] },
  },
  {
    when: 'an aggregate that allows less',
    host: { numInstances: 3, aggregates: [anAggregate({ max_instances_per_host: '3' })] },
    refuses: '3 servers are there, fewer than 3 needed (max_instances_per_host)',
  },
])
