import { filterTable } from '../testing.ts'
import { jsonFilter } from './json-filter.ts'

filterTable(jsonFilter, [
  { when: 'no query' },
  { when: 'holds', spec: query(['and', ['>=', '$free_ram_mb', 1024], ['>', '$free_disk_mb', 1]]) },
  { when: 'a path', spec: query(['=', '$cpu_info.vendor', 'Intel']) },
  { when: 'in a list of values', spec: query(['in', '$hypervisor_type', 'xen', 'QEMU']) },
  { when: 'not', spec: query(['not', ['=', '$host', 'host2']]) },
  { when: 'one of several', spec: query(['or', ['=', '$host', 'host2'], ['<', '$num_io_ops', 1]]) },
  { when: 'the empty query', spec: query([]) },
  {
    when: 'does not hold',
    spec: query(['<=', '$free_ram_mb', 1024]),
    refuses: 'the hint query does not hold on this host: ["<=","$free_ram_mb",1024]',
  },
  {
    when: 'an attribute nobody knows leaves nothing to compare',
    spec: query(['=', '$nothing', 1]),
    refuses: 'the hint query does not hold on this host: ["=","$nothing",1]',
  },
  {
    when: 'no JSON',
    spec: { hints: { query: ['free_ram > 1'] } },
    refuses: 'the hint query is not a JSON list of operator and arguments: free_ram > 1',
  },
  {
    when: 'an operator nobody knows',
    spec: query(['near', '$host', 'host1']),
    refuses: 'the hint query is not a JSON list of operator and arguments: ["near","$host","host1"]',
  },
])

function query(list: unknown[]) {
  return { hints: { query: [JSON.stringify(list)] } }
}
