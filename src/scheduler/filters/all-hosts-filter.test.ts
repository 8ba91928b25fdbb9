import { filterTable } from '../testing.ts'
import { allHostsFilter } from './all-hosts-filter.ts'

filterTable(allHostsFilter, [{ when: 'a host that is down passes', host: { isUp: false, isEnabled: false } }])
