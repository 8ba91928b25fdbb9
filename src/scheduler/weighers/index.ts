import { HostWeigherNotFound } from '../faults.ts'
import { buildFailureWeigher } from './build-failure-weigher.ts'
import { cpuWeigher } from './cpu-weigher.ts'
import { crossCellWeigher } from './cross-cell-weigher.ts'
import { diskWeigher } from './disk-weigher.ts'
import { hypervisorVersionWeigher } from './hypervisor-version-weigher.ts'
import { imagePropertiesWeigher } from './image-properties-weigher.ts'
import { ioOpsWeigher } from './io-ops-weigher.ts'
import { metricsWeigher } from './metrics-weigher.ts'
import { numInstancesWeigher } from './num-instances-weigher.ts'
import { pciWeigher } from './pci-weigher.ts'
import { ramWeigher } from './ram-weigher.ts'
import { serverGroupSoftAffinityWeigher } from './server-group-soft-affinity-weigher.ts'
import { serverGroupSoftAntiAffinityWeigher } from './server-group-soft-anti-affinity-weigher.ts'
import type { HostWeigher } from './weigher.ts'

export type { HostScore, HostWeigher } from './weigher.ts'

/** Every weigher this scheduler has. */
export const allWeighers: readonly HostWeigher[] = [
  ramWeigher,
  cpuWeigher,
  diskWeigher,
  ioOpsWeigher,
  numInstancesWeigher,
  hypervisorVersionWeigher,
  pciWeigher,
  serverGroupSoftAffinityWeigher,
  serverGroupSoftAntiAffinityWeigher,
  buildFailureWeigher,
  crossCellWeigher,
  metricsWeigher,
  imagePropertiesWeigher,
]

const allWeighersPath = 'nova.scheduler.weights.all_weighers'

/** The weighers of `weight_classes`. Throws `HostWeigherNotFound` for a name that does not exist. */
export function enabledWeighers(classes: readonly string[]): readonly HostWeigher[] {
  if (classes.includes(allWeighersPath)) return allWeighers
  return classes.map(path => {
    const name = path.slice(path.lastIndexOf('.') + 1)
    const weigher = allWeighers.find(candidate => candidate.name === name)
    if (weigher !== undefined) return weigher
    throw HostWeigherNotFound({ name, known: allWeighers.map(known => known.name).join(', ') })
  })
}
