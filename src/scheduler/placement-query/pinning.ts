import type { RequestSpec } from '#model'
import { demand } from './flavor-demands.ts'
import type { ResourceRequest } from './resource-request.ts'

const policyOf = (spec: RequestSpec): string => demand(spec, 'cpu_policy') ?? 'shared'

/** True if the request wants CPUs of its own. */
export const isPinned = (spec: RequestSpec): boolean => policyOf(spec) !== 'shared'

/** Dedicated CPUs are another resource class; hosts say in a trait whether their CPUs share cores. */
export function addPinnedCpus(spec: RequestSpec, request: ResourceRequest): void {
  const { vcpus, extraSpecs } = spec.flavor
  const policy = policyOf(spec)
  if (policy === 'dedicated') request.add('PCPU', vcpus)
  if (policy === 'mixed') {
    const dedicated = cpusOf(extraSpecs['hw:cpu_dedicated_mask'] ?? demand(spec, 'cpu_realtime_mask') ?? '', vcpus)
    request.add('PCPU', dedicated)
    request.add('VCPU', vcpus - dedicated)
  }
  if (policy !== 'shared' && extraSpecs['hw:emulator_threads_policy'] === 'isolate') request.add('PCPU', 1)
  const threads = policy === 'shared' ? undefined : demand(spec, 'cpu_thread_policy')
  if (threads === 'isolate') request.group().forbidden.add('HW_CPU_HYPERTHREADING')
  if (threads === 'require') request.group().required.add('HW_CPU_HYPERTHREADING')
}

/** How many CPUs of 0…count-1 a list like `1-3,^2` names; a list that begins with an exclusion excludes from all. */
function cpusOf(list: string, count: number): number {
  const parts = list.split(',').map(part => part.trim())
  const chosen = new Set<number>()
  if (list.startsWith('^')) for (let cpu = 0; cpu < count; cpu++) chosen.add(cpu)
  const excluded = new Set<number>()
  for (const part of parts) {
    const target = part.startsWith('^') ? excluded : chosen
    const [first = Number.NaN, last = first] = part.replace(/^\^/, '').split('-').map(Number)
    for (let cpu = first; cpu <= Math.min(last, count - 1); cpu++) target.add(cpu)
  }
  return chosen.difference(excluded).size
}
