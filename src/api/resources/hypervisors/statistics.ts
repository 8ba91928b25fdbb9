import { operation, reply, until } from '#api/kit'
import type { ApiDeps } from '../../deps.ts'
import { amounts, listHypervisors, loadOf } from './fleet.ts'
import { statistics } from './shape.ts'

type Sums = ReturnType<typeof amounts>

const nothing: Sums = {
  vcpus: 0,
  memory_mb: 0,
  local_gb: 0,
  vcpus_used: 0,
  memory_mb_used: 0,
  local_gb_used: 0,
  free_ram_mb: 0,
  free_disk_gb: 0,
  current_workload: 0,
  running_vms: 0,
  disk_available_least: 0,
}

function add(sums: Sums, more: Sums): Sums {
  const total = { ...sums }
  for (const key of Object.keys(nothing) as (keyof Sums)[]) total[key] += more[key]
  return total
}

/** Sums over the hosts that are enabled, up or not. */
export const totals = operation<ApiDeps>()({
  exists: until('2.88'),
  policy: 'os_compute_api:os-hypervisors:statistics',
  reply: reply('hypervisor_statistics', statistics),
  async handle({ allow }, deps) {
    allow({})
    const enabled = (await listHypervisors(deps)).filter(({ service }) => !service.isDisabled)
    const load = await loadOf(deps)
    return { count: enabled.length, ...enabled.map(h => amounts(h, load)).reduce(add, nothing) }
  },
})
