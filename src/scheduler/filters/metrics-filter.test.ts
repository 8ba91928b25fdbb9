import { filterTable } from '../testing.ts'
import { metricsFilter } from './metrics-filter.ts'

filterTable(metricsFilter, [
  { when: 'nothing weighed' },
  {
    when: 'all reported',
    host: { metrics: { 'cpu.percent': 1, load: 2 } },
    options: { metrics: { weight_setting: ['cpu.percent=-1', 'load=0.5'] } },
  },
  {
    when: 'one missing',
    host: { metrics: { load: 2 } },
    options: { metrics: { weight_setting: ['cpu.percent=-1', 'load=0.5'] } },
    refuses: 'the metrics cpu.percent, load are needed, the host does not report cpu.percent',
  },
])
