import { anAggregate } from '../samples.ts'
import { weigherTable } from '../testing.ts'
import { ramWeigher } from './ram-weigher.ts'

weigherTable(ramWeigher, [
  {
    when: 'the scale begins at 0, not at the fullest host',
    hosts: [{ ramFreeMiB: 1000 }, { ramFreeMiB: 900 }],
    weights: [1, 0.9],
  },
  { when: 'overcommitted hosts count as full', hosts: [{ ramFreeMiB: 1000 }, { ramFreeMiB: -500 }], weights: [1, 0] },
  { when: 'a single host is not weighed', hosts: [{ ramFreeMiB: 1000 }], weights: [0] },
  {
    when: 'a negative multiplier stacks',
    options: { filter_scheduler: { ram_weight_multiplier: -2 } },
    hosts: [{ ramFreeMiB: 1000 }, { ramFreeMiB: 500 }],
    weights: [-2, -1],
  },
  {
    when: 'an aggregate overrides the multiplier, the smallest counts',
    hosts: [
      {
        ramFreeMiB: 1000,
        aggregates: [anAggregate({ ram_weight_multiplier: '5' }), anAggregate({ ram_weight_multiplier: '3' }, 2)],
      },
      { ramFreeMiB: 500 },
    ],
    weights: [3, 0.5],
  },
  {
    when: 'an aggregate that gives no number is not heard',
    hosts: [{ ramFreeMiB: 1000, aggregates: [anAggregate({ ram_weight_multiplier: 'much' })] }, { ramFreeMiB: 500 }],
    weights: [1, 0.5],
  },
])
