import { filterTable, instances } from '../testing.ts'
import { sameHostFilter } from './same-host-filter.ts'

filterTable(sameHostFilter, [
  { when: 'no hint', host: { instanceIds: instances('a') } },
  { when: 'one of them here', spec: { hints: { same_host: ['x', 'a'] } }, host: { instanceIds: instances('a') } },
  {
    when: 'none of them here',
    spec: { hints: { same_host: ['x', 'y'] } },
    host: { instanceIds: instances('a') },
    refuses: 'none of the servers x, y is on this host',
  },
])
