import { aGroup } from '../samples.ts'
import { instances, weigherTable } from '../testing.ts'
import { serverGroupSoftAntiAffinityWeigher } from './server-group-soft-anti-affinity-weigher.ts'

weigherTable(serverGroupSoftAntiAffinityWeigher, [
  {
    when: 'fewer members first',
    spec: { serverGroup: aGroup('soft-anti-affinity', ['a', 'b', 'c']) },
    hosts: [{ instanceIds: instances('a', 'b') }, { instanceIds: instances('c') }, { instanceIds: instances('z') }],
    weights: [0, 0.5, 1],
  },
  {
    when: 'another policy',
    spec: { serverGroup: aGroup('soft-affinity', ['a']) },
    hosts: [{ instanceIds: instances('a') }, {}],
    weights: [0, 0],
  },
])
