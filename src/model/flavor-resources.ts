import type { Flavor } from './flavor.ts'
import { cpusOfMask } from './numa/cpu-list.ts'

const spec = /^resources[^:]*:([A-Z0-9_]+)$/

/** CPUs of its own and CPUs that it shares, as `hw:cpu_policy` wants them; a flavor that contradicts itself shares all. */
function cpusOf(flavor: Flavor): Readonly<Record<string, number>> {
  const { vcpus, extraSpecs } = flavor
  const policy = extraSpecs['hw:cpu_policy']
  const forEmulator = extraSpecs['hw:emulator_threads_policy'] === 'isolate' ? 1 : 0
  if (policy === 'dedicated') return { PCPU: vcpus + forEmulator }
  const mask = extraSpecs['hw:cpu_dedicated_mask'] ?? extraSpecs['hw:cpu_realtime_mask']
  if (policy !== 'mixed' || mask === undefined) return { VCPU: vcpus }
  const own = [...cpusOfMask(mask, vcpus)].filter(cpu => cpu < vcpus).length
  return { PCPU: own + forEmulator, VCPU: vcpus - own }
}

/**
 * What one server of a flavor takes of each resource class: its CPUs, memory and disk, unless `resources:CLASS` of the
 * extra specs speaks of that class, be it with 0. Numbered groups of the extra specs are added up.
 */
export function flavorResources(flavor: Flavor, isVolumeBacked: boolean): Readonly<Record<string, number>> {
  const asked: Record<string, number> = {}
  for (const [key, value] of Object.entries(flavor.extraSpecs)) {
    const [, name] = spec.exec(key) ?? []
    if (name !== undefined && /^\d+$/.test(value)) asked[name] = (asked[name] ?? 0) + Number(value)
  }
  const rootGiB = isVolumeBacked ? 0 : flavor.rootGiB
  const amounts = {
    ...(asked['PCPU'] === undefined && asked['VCPU'] === undefined ? cpusOf(flavor) : {}),
    MEMORY_MB: flavor.memoryMiB,
    DISK_GB: rootGiB + flavor.ephemeralGiB + Math.ceil(flavor.swapMiB / 1024),
    ...asked,
  }
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0))
}
