import { filterTable } from '../testing.ts'
import { simpleCidrAffinityFilter } from './simple-cidr-affinity-filter.ts'

filterTable(simpleCidrAffinityFilter, [
  { when: 'no hint' },
  { when: 'the same /24', spec: { hints: { build_near_host_ip: ['192.0.2.200'] } } },
  {
    when: 'a narrower network',
    spec: { hints: { build_near_host_ip: ['192.0.2.200'], cidr: ['/28'] } },
    refuses: "the host's address 192.0.2.10 is not in 192.0.2.200/28",
  },
  {
    when: 'IPv6',
    spec: { hints: { build_near_host_ip: ['2001:db8::1'], cidr: ['/64'] } },
    host: { hostIp: '2001:db8::9' },
  },
  {
    when: 'no network',
    spec: { hints: { build_near_host_ip: ['nearby'] } },
    refuses: 'nearby/24 in the hints is no network',
  },
])
