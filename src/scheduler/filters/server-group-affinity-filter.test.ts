import { aGroup } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { serverGroupAffinityFilter } from './server-group-affinity-filter.ts'

filterTable(serverGroupAffinityFilter, [
  { when: 'no group' },
  { when: 'the first of the group', spec: { serverGroup: aGroup('affinity', []) } },
  { when: 'where the group is', spec: { serverGroup: aGroup('affinity', ['a'], { hosts: ['host1'] }) } },
  {
    when: 'elsewhere',
    spec: { serverGroup: aGroup('affinity', ['a'], { hosts: ['host2'] }) },
    refuses: "the group's servers are on host2 and have to be together",
  },
  { when: 'another policy', spec: { serverGroup: aGroup('anti-affinity', ['a'], { hosts: ['host2'] }) } },
])
