import { weigherTable } from '../testing.ts'
import { ioOpsWeigher } from './io-ops-weigher.ts'

weigherTable(ioOpsWeigher, [
  { when: 'busy hosts come last', hosts: [{ numIoOps: 0 }, { numIoOps: 4 }, { numIoOps: 1 }], weights: [0, -1, -0.25] },
])
