import { anAggregate } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { aggregateTypeAffinityFilter } from './aggregate-type-affinity-filter.ts'

filterTable(aggregateTypeAffinityFilter, [
  { when: 'no list', host: { aggregates: [anAggregate({ rack: '1' })] } },
  { when: 'listed', host: { aggregates: [anAggregate({ instance_type: 'm1.large, m1.small' })] } },
  {
    when: 'not listed',
    host: { aggregates: [anAggregate({ instance_type: 'm1.large,m1.tiny' })] },
    refuses: "the flavor is m1.small, the host's aggregates take m1.large, m1.tiny",
  },
])
