import type { Flavor } from './flavor.ts'

const spec = /^resources[^:]*:([A-Z0-9_]+)$/

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
    ...(asked['PCPU'] === undefined ? { VCPU: flavor.vcpus } : {}),
    MEMORY_MB: flavor.memoryMiB,
    DISK_GB: rootGiB + flavor.ephemeralGiB + Math.ceil(flavor.swapMiB / 1024),
    ...asked,
  }
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0))
}
