import type { CellUsage, HostCell } from './host-topology.ts'

export interface PackWish {
  /** Guest CPUs that want a host CPU of their own. */
  readonly cpus: readonly number[]
  readonly threadPolicy: 'prefer' | 'isolate' | 'require' | null
  /** Further host CPUs for the hypervisor's threads. */
  readonly reserved: number
}

export interface Packing {
  readonly pins: readonly (readonly [number, number])[]
  readonly reserved: readonly number[]
}

type Cores = readonly (readonly number[])[]

const ascending = (a: number, b: number) => a - b

/** The free threads of each core that has any. */
function freeCores(host: HostCell, usage: CellUsage): Cores {
  const free = new Set(host.dedicatedCpus.filter(cpu => !usage.pinned.has(cpu)))
  const cores = host.siblings.map(core => core.filter(cpu => free.has(cpu)).sort(ascending))
  const known = new Set(host.siblings.flat())
  // CPUs that the host names no siblings for are cores by themselves.
  const lone = [...free].filter(cpu => !known.has(cpu)).map(cpu => [cpu])
  return [...cores, ...lone].filter(core => core.length > 0)
}

/** As many threads of each core, core after core; undefined when that is not enough. */
function pin(cpus: readonly number[], cores: Cores, threads: number): Packing['pins'] | undefined {
  const usable = cores.flatMap(core => core.slice(0, threads))
  if (threads * cores.length < cpus.length || usable.length < cpus.length) return undefined
  return cpus.toSorted(ascending).map((cpu, i) => [cpu, usable[i] ?? -1] as const)
}

function reserve(cores: Cores, pins: Packing['pins'], count: number, isIsolated: boolean): readonly number[] {
  const taken = new Set(pins.map(([, cpu]) => cpu))
  const left = isIsolated
    ? cores.filter(core => !core.some(cpu => taken.has(cpu))).flat()
    : cores.flat().filter(cpu => !taken.has(cpu))
  return left.slice(0, count)
}

/** Whole free cores, of which the guest uses one thread each. */
function isolated(host: HostCell, cores: Cores, wish: PackWish): Packing | string {
  const threads = Math.max(1, ...host.siblings.map(core => core.length))
  const whole = cores.filter(core => core.length >= threads)
  if (whole.length === 0) return 'no core is completely free, which cpu_thread_policy isolate needs'
  const isLegacy =
    host.dedicatedCpus.length === host.sharedCpus.length &&
    new Set(host.dedicatedCpus).isSubsetOf(new Set(host.sharedCpus))
  if (threads !== 1 && !isLegacy) return 'its cores have several threads, which cpu_thread_policy isolate excludes'
  const pins = pin(wish.cpus, whole, 1)
  if (pins === undefined) return `${wish.cpus.length} free cores needed, ${whole.length} there`
  const reserved = reserve(cores, pins, wish.reserved, true)
  return reserved.length < wish.reserved ? 'no core is left for the emulator threads' : { pins, reserved }
}

/**
 * Host CPUs for the guest CPUs of one node, or why there are none. Tightest first: cores are filled with as many threads
 * as they have, so that other cores stay whole; without `require` single threads of many cores will do in the end.
 */
export function packOntoCores(host: HostCell, usage: CellUsage, wish: PackWish): Packing | string {
  const cores = freeCores(host, usage)
  if (wish.threadPolicy === 'isolate') return isolated(host, cores, wish)
  const mostThreads = Math.max(1, ...host.siblings.map(core => core.length))
  if (wish.threadPolicy === 'require' && mostThreads <= 1)
    return 'its cores have one thread each, and cpu_thread_policy is require'
  const fewest = wish.threadPolicy === 'require' ? 2 : 1
  for (let threads = mostThreads; threads >= fewest; threads--) {
    const pins = pin(
      wish.cpus,
      cores.filter(core => core.length >= threads),
      threads,
    )
    if (pins === undefined) continue
    const reserved = reserve(cores, pins, wish.reserved, false)
    if (reserved.length >= wish.reserved) return { pins, reserved }
  }
  const needed = wish.cpus.length + wish.reserved
  if (wish.threadPolicy === 'require')
    return `${needed} free threads that share cores needed (cpu_thread_policy require), cores have ${cores.map(core => core.length).join(', ')}`
  const single = cores.flat().map(cpu => [cpu])
  const pins = pin(wish.cpus, single, 1)
  const reserved = pins === undefined ? [] : reserve(single, pins, wish.reserved, false)
  if (pins === undefined || reserved.length < wish.reserved)
    return `${needed} free dedicated CPUs needed, ${single.length} there`
  return { pins, reserved }
}
