import { aFlavor } from '../samples.ts'
import { filterTable } from '../testing.ts'
import { computeCapabilitiesFilter } from './compute-capabilities-filter.ts'

filterTable(computeCapabilitiesFilter, [
  { when: 'no extra specs' },
  { when: 'scopes of others are ignored', spec: needs({ 'hw:cpu_policy': 'shared', 'trait:HW_X': 'required' }) },
  { when: 'an attribute that matches', spec: needs({ 'capabilities:hypervisor_type': 'QEMU' }) },
  { when: 'a nested value', spec: needs({ 'capabilities:cpu_info:vendor': '<or> AMD <or> Intel' }) },
  { when: 'an element of a list', spec: needs({ 'capabilities:cpu_info:features': '<in> avx' }) },
  {
    when: 'another vendor',
    spec: needs({ 'capabilities:cpu_info:vendor': 'AMD' }),
    refuses: "cpu_info:vendor needed to be 'AMD', the host has 'Intel'",
  },
  {
    when: 'too little free memory',
    spec: needs({ 'capabilities:free_ram_mb': '>= 40000' }),
    refuses: "free_ram_mb needed to be '>= 40000', the host has '32768'",
  },
  {
    when: 'a scoped capability that is not reported',
    spec: needs({ 'capabilities:gpu': '1' }),
    refuses: "gpu needed to be '1', the host does not report it",
  },
  { when: 'an unscoped key nobody knows is ignored', spec: needs({ my_tag: 'x' }) },
  {
    when: 'an unscoped key that is an attribute counts',
    spec: needs({ hypervisor_type: 'xen' }),
    refuses: "hypervisor_type needed to be 'xen', the host has 'QEMU'",
  },
  {
    when: 'an unscoped key that is in stats counts',
    spec: needs({ num_vm_active: '<= 2' }),
    host: { stats: new Map([['num_vm_active', 3]]) },
    refuses: "num_vm_active needed to be '<= 2', the host has '3'",
  },
  {
    when: 'too few physical address bits',
    spec: needs({ 'hw:maxphysaddr_bits': '46' }),
    host: { cpuInfo: { maxphysaddr: { bits: 42 } } },
    refuses: "cpu_info:maxphysaddr:bits needed to be '>= 46', the host has '42'",
  },
])

function needs(extraSpecs: Record<string, string>) {
  return { flavor: aFlavor({ extraSpecs }) }
}
