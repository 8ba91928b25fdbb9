import { filterTable, instances } from '../testing.ts'
import { differentHostFilter } from './different-host-filter.ts'

filterTable(differentHostFilter, [
  { when: 'no hint', host: { instanceIds: instances('a') } },
  { when: 'none of them here', spec: { hints: { different_host: ['x'] } }, host: { instanceIds: instances('a') } },
  {
    when: 'one of them here',
    spec: { hints: { different_host: ['x', 'a'] } },
    host: { instanceIds: instances('a') },
    refuses: 'the server a, which the hint different_host names, is on this host',
  },
])
