import { anAggregate } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { aggregateMultiTenancyIsolation } from './aggregate-multi-tenancy-isolation.ts'

filterTable(aggregateMultiTenancyIsolation, [
  { when: 'no aggregates' },
  { when: 'aggregates of nobody', host: { aggregates: [anAggregate({ rack: '1' })] } },
  { when: 'a list with the project', host: { aggregates: [anAggregate({ filter_tenant_id: 'other, project' })] } },
  {
    when: 'the project in one of several keys',
    host: { aggregates: [anAggregate({ filter_tenant_id: 'a' }), anAggregate({ filter_tenant_id_2: 'project' }, 2)] },
  },
  {
    when: 'other projects only',
    host: { aggregates: [anAggregate({ filter_tenant_id: 'a,b' })] },
    refuses: 'the host is kept for other projects by the filter_tenant_id of its aggregates',
  },
])
