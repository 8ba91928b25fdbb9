import { aGroup } from '../samples.ts'
import { filterTable, instances } from '../testing.ts'
import { serverGroupAntiAffinityFilter } from './server-group-anti-affinity-filter.ts'

filterTable(serverGroupAntiAffinityFilter, [
  { when: 'no group', host: { instanceIds: instances('a') } },
  { when: 'another policy', spec: { serverGroup: aGroup('affinity', ['a']) }, host: { instanceIds: instances('a') } },
  {
    when: 'no member here',
    spec: { serverGroup: aGroup('anti-affinity', ['a']) },
    host: { instanceIds: instances('z') },
  },
  {
    when: 'one member here',
    spec: { serverGroup: aGroup('anti-affinity', ['a', 'b']) },
    host: { instanceIds: instances('a', 'z') },
    refuses: 'the group already has 1 server on this host, at most 1 allowed',
  },
  {
    when: 'two of three allowed',
    spec: { serverGroup: aGroup('anti-affinity', ['a', 'b'], { maxServerPerHost: 3 }) },
    host: { instanceIds: instances('a', 'b') },
  },
  {
    when: 'two of two allowed',
    spec: { serverGroup: aGroup('anti-affinity', ['a', 'b'], { maxServerPerHost: 2 }) },
    host: { instanceIds: instances('a', 'b') },
    refuses: 'the group already has 2 servers on this host, at most 2 allowed',
  },
  {
    when: 'the host where the server itself is',
    spec: { serverGroup: aGroup('anti-affinity', ['a', 'b']) },
    host: { instanceIds: instances('a') },
    instance: 'a',
  },
  {
    when: 'a snapshot that does not know of the member yet',
    spec: { serverGroup: aGroup('anti-affinity', ['a'], { hosts: ['host1'] }) },
    refuses: 'the group already has 1 server on this host, at most 1 allowed',
  },
])
