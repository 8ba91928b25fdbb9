import { weigherTable } from '../testing.ts'
import { hypervisorVersionWeigher } from './hypervisor-version-weigher.ts'

weigherTable(hypervisorVersionWeigher, [
  { when: 'newer first', hosts: [{ hypervisorVersion: 9000000 }, { hypervisorVersion: 10000000 }], weights: [0, 1] },
  { when: 'all alike', hosts: [{ hypervisorVersion: 0 }, { hypervisorVersion: 0 }], weights: [0, 0] },
])
