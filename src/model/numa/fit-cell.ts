import type { CellUsage, FittedCell, HostCell } from './host-topology.ts'
import { packOntoCores } from './pack.ts'
import type { NumaCell, NumaTopology } from './topology.ts'

/** How far CPUs and memory that guests share may be promised. */
export interface NumaLimits {
  readonly cpuRatio: number
  readonly ramRatio: number
}

const [small, large, any] = [-1, -2, -3]

const sizeText = (kib: number): string =>
  kib >= 1024 ** 2 ? `${kib / 1024 ** 2} GiB` : kib >= 1024 ? `${kib / 1024} MiB` : `${kib} KiB`

/** A size of pages that has room for the memory, or why there is none. Pages are never promised twice. */
function choosePages(host: HostCell, usage: CellUsage, memoryMiB: number, wanted: number): number | string {
  const kib = memoryMiB * 1024
  const sizes = host.pages.toSorted((a, b) => b.sizeKiB - a.sizeKiB)
  const asked =
    wanted === small
      ? sizes.slice(-1)
      : wanted === large
        ? sizes.slice(0, -1)
        : wanted === any
          ? sizes
          : sizes.filter(pages => pages.sizeKiB === wanted)
  const freeOf = (pages: (typeof sizes)[number]) => pages.total - pages.reserved - (usage.pages.get(pages.sizeKiB) ?? 0)
  for (const pages of asked) {
    if (kib % pages.sizeKiB === 0 && kib <= freeOf(pages) * pages.sizeKiB) return pages.sizeKiB
  }
  if (asked.length === 0) return `it has no ${wanted === large ? 'large pages' : `pages of ${sizeText(wanted)}`}`
  const there = asked.map(pages => `${Math.max(0, freeOf(pages))} free of ${sizeText(pages.sizeKiB)}`)
  return `pages for ${memoryMiB} MiB needed, ${there.join(', ')}`
}

/** Without a page size asked for, memory may be promised twice, but never to one guest alone. */
function lacksMemory(host: HostCell, memoryMiB: number): string | undefined {
  if (host.pages.length === 0)
    return memoryMiB > host.memoryMiB ? `${memoryMiB} MiB needed, it has ${host.memoryMiB} MiB` : undefined
  const smallest = host.pages.reduce((a, b) => (b.sizeKiB < a.sizeKiB ? b : a))
  const kib = memoryMiB * 1024
  if (kib <= smallest.total * smallest.sizeKiB && kib % smallest.sizeKiB === 0) return undefined
  const total = Math.floor((smallest.total * smallest.sizeKiB) / 1024)
  return `${memoryMiB} MiB needed, it has ${total} MiB in pages of ${sizeText(smallest.sizeKiB)}`
}

/** What guests that share CPUs take together stays below the ratios. */
function overCommit(host: HostCell, usage: CellUsage, guest: NumaCell, shared: number, limits: NumaLimits) {
  const [cpus, mostCpus] = [usage.sharedCpus + shared, host.sharedCpus.length * limits.cpuRatio]
  if (cpus > mostCpus)
    return `${shared} shared CPUs needed, ${usage.sharedCpus} of ${mostCpus} used (${host.sharedCpus.length} x ratio ${limits.cpuRatio})`
  const [memory, mostMemory] = [usage.memoryMiB + guest.memoryMiB, host.memoryMiB * limits.ramRatio]
  if (memory > mostMemory) return `${guest.memoryMiB} MiB needed, ${usage.memoryMiB} of ${mostMemory} MiB used`
  return undefined
}

/** Own CPUs are never promised twice, nor is the memory of those who have them. */
function lacksOwn(host: HostCell, usage: CellUsage, guest: NumaCell, needed: number): string | undefined {
  const all = host.dedicatedCpus.length
  const free = host.dedicatedCpus.filter(cpu => !usage.pinned.has(cpu)).length
  if (needed > free) return `${needed} dedicated CPUs needed, ${free} of ${all} free`
  const freeMiB = host.memoryMiB - usage.memoryMiB
  if (guest.memoryMiB > freeMiB)
    return `${guest.memoryMiB} MiB needed beside dedicated CPUs, ${Math.max(0, freeMiB)} of ${host.memoryMiB} MiB free`
  return undefined
}

/** One node of a guest on one node of a host as it is used now, or why not. */
export function fitCell(
  host: HostCell,
  usage: CellUsage,
  guest: NumaCell,
  wanted: NumaTopology,
  limits: NumaLimits | null,
): FittedCell | string {
  const { cpuPolicy, threadPolicy, pageSizeKiB: pagesWanted } = wanted
  let pageSizeKiB: number | null = null
  if (pagesWanted === undefined) {
    const lack = lacksMemory(host, guest.memoryMiB)
    if (lack !== undefined) return lack
  } else {
    const chosen = choosePages(host, usage, guest.memoryMiB, pagesWanted)
    if (typeof chosen === 'string') return chosen
    pageSizeKiB = chosen
  }
  const isPinned = cpuPolicy === 'dedicated' || cpuPolicy === 'mixed'
  const reserves = wanted.emulatorPolicy === 'isolate' && guest.id === 0 ? 1 : 0
  const shared = guest.cpus.length - guest.pinned.length
  if (cpuPolicy !== 'dedicated' && shared > host.sharedCpus.length)
    return `${shared} shared CPUs needed, it has ${host.sharedCpus.length}`
  let packed: { readonly pins: FittedCell['pins']; readonly reserved: readonly number[] } = { pins: [], reserved: [] }
  if (isPinned) {
    const lack = lacksOwn(host, usage, guest, guest.pinned.length + reserves)
    if (lack !== undefined) return lack
    // A node of a mixed guest may have shared CPUs only.
    if (guest.pinned.length + reserves > 0) {
      const found = packOntoCores(host, usage, { cpus: guest.pinned, threadPolicy, reserved: reserves })
      if (typeof found === 'string') return found
      packed = found
    }
  }
  if (cpuPolicy !== 'dedicated' && limits !== null) {
    const over = overCommit(host, usage, guest, shared, limits)
    if (over !== undefined) return over
  }
  return { id: guest.id, hostCell: host.id, cpus: guest.cpus, memoryMiB: guest.memoryMiB, pageSizeKiB, ...packed }
}
