import { aFlavor, anAggregate } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { aggregateInstanceExtraSpecsFilter } from './aggregate-instance-extra-specs-filter.ts'

filterTable(aggregateInstanceExtraSpecsFilter, [
  { when: 'no extra specs' },
  { when: 'other scopes do not count', spec: needs({ 'hw:cpu_policy': 'dedicated' }) },
  {
    when: 'a value of a list',
    spec: needs({ 'aggregate_instance_extra_specs:disk': 'ssd' }),
    host: within({ disk: 'hdd, ssd' }),
  },
  {
    when: 'a value of another aggregate',
    spec: needs({ disk: 'ssd' }),
    host: within({ disk: 'hdd' }, { disk: 'ssd' }),
  },
  {
    when: 'no aggregate has the key; unscoped counts too',
    spec: needs({ disk: 'ssd' }),
    host: within({ rack: '1' }),
    refuses: "an aggregate with disk 'ssd' was needed, none of the host's has disk",
  },
  {
    when: 'other values',
    spec: needs({ 'aggregate_instance_extra_specs:cores': '>= 16' }),
    host: within({ cores: '8' }, { cores: '12' }),
    refuses: "an aggregate with cores '>= 16' was needed, the host's have '8, 12'",
  },
])

function needs(extraSpecs: Record<string, string>) {
  return { flavor: aFlavor({ extraSpecs }) }
}
function within(...metadata: Record<string, string>[]) {
  return { aggregates: metadata.map((one, number) => anAggregate(one, number)) }
}
