import { anAggregate } from '../samples.ts'
import { weigherTable } from '../testing.ts'
import { buildFailureWeigher } from './build-failure-weigher.ts'

weigherTable(buildFailureWeigher, [
  {
    when: 'failed builds outweigh all else',
    hosts: [{ failedBuilds: 3 }, { failedBuilds: 0 }],
    weights: [-1_000_000, 0],
  },
  {
    when: 'an aggregate softens it',
    hosts: [
      { failedBuilds: 3, aggregates: [anAggregate({ build_failure_weight_multiplier: '2' })] },
      { failedBuilds: 0 },
    ],
    weights: [-2, 0],
  },
])
