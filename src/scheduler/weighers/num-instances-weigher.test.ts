import { anAggregate } from '../samples.ts'
import { weigherTable } from '../testing.ts'
import { numInstancesWeigher } from './num-instances-weigher.ts'

weigherTable(numInstancesWeigher, [
  { when: 'off by default', hosts: [{ numInstances: 0 }, { numInstances: 4 }], weights: [0, 0] },
  {
    when: 'on for the hosts of an aggregate',
    hosts: [
      { numInstances: 0 },
      { numInstances: 4, aggregates: [anAggregate({ num_instances_weight_multiplier: '2' })] },
    ],
    weights: [0, 2],
  },
  {
    when: 'packs; the scale begins at the emptiest host',
    options: { filter_scheduler: { num_instances_weight_multiplier: 1 } },
    hosts: [{ numInstances: 2 }, { numInstances: 4 }, { numInstances: 3 }],
    weights: [0, 1, 0.5],
  },
])
