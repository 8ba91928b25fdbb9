import { filterTable } from '../testing.ts'
import { numInstancesFilter } from './num-instances-filter.ts'

filterTable(numInstancesFilter, [
  { when: 'below', host: { numInstances: 49 } },
  {
    when: 'at the limit',
    host: { numInstances: 50 },
    refuses: '50 servers are there, fewer than 50 needed (max_instances_per_host)',
  },
])
