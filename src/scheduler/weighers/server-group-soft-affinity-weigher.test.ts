import { aGroup } from '../samples.ts'
import { instances, weigherTable } from '../testing.ts'
import { serverGroupSoftAffinityWeigher } from './server-group-soft-affinity-weigher.ts'

weigherTable(serverGroupSoftAffinityWeigher, [
  { when: 'no group', hosts: [{ instanceIds: instances('a') }, {}], weights: [0, 0] },
  {
    when: 'more members first',
    spec: { serverGroup: aGroup('soft-affinity', ['a', 'b', 'c']) },
    hosts: [{ instanceIds: instances('a', 'b') }, { instanceIds: instances('c') }, { instanceIds: instances('z') }],
    weights: [1, 0.5, 0],
  },
  {
    when: 'another policy',
    spec: { serverGroup: aGroup('soft-anti-affinity', ['a']) },
    hosts: [{ instanceIds: instances('a') }, {}],
    weights: [0, 0],
  },
])
