import { weigherTable } from '../testing.ts'
import { cpuWeigher } from './cpu-weigher.ts'

weigherTable(cpuWeigher, [
  {
    when: 'free vCPUs with the allocation ratio',
    hosts: [
      { vcpusTotal: 8, cpuAllocationRatio: 4, vcpusUsed: 0 },
      { vcpusTotal: 8, cpuAllocationRatio: 2, vcpusUsed: 0 },
      { vcpusTotal: 8, cpuAllocationRatio: 1, vcpusUsed: 12 },
    ],
    weights: [1, 0.5, 0],
  },
])
