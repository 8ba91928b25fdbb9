/** Pages of one size that a host's node has; what is reserved no guest gets. */
export interface HostPages {
  readonly sizeKiB: number
  readonly total: number
  readonly reserved: number
}

/** One NUMA node of a host. */
export interface HostCell {
  readonly id: number
  readonly memoryMiB: number
  /** CPUs that guests share: `[compute] cpu_shared_set`. */
  readonly sharedCpus: readonly number[]
  /** CPUs that guests get for themselves: `[compute] cpu_dedicated_set`. */
  readonly dedicatedCpus: readonly number[]
  /** CPUs of one core each. */
  readonly siblings: readonly (readonly number[])[]
  readonly pages: readonly HostPages[]
  /** Null where a node spans several sockets. */
  readonly socket: number | null
  /** Physical networks whose cards are at this node. */
  readonly physnets?: readonly string[]
  readonly hasTunnels?: boolean
}

export interface HostTopology {
  readonly cells: readonly HostCell[]
  /** Nodes that are used most are filled first, not those used least. */
  readonly packsCells?: boolean
}

/** How much of a host's node its guests have. */
export interface CellUsage {
  readonly sharedCpus: number
  readonly memoryMiB: number
  /** Host CPUs that are somebody's own, and siblings kept idle for them. */
  readonly pinned: ReadonlySet<number>
  /** Pages by their size in KiB. */
  readonly pages: ReadonlyMap<number, number>
}

export type HostNumaUsage = ReadonlyMap<number, CellUsage>

/** A guest's node with what it got. */
export interface FittedCell {
  readonly id: number
  readonly hostCell: number
  readonly cpus: readonly number[]
  readonly memoryMiB: number
  /** Null: whatever the host uses. */
  readonly pageSizeKiB: number | null
  /** Guest CPU and the host CPU that is its own. */
  readonly pins: readonly (readonly [number, number])[]
  /** Host CPUs of its own for the hypervisor's threads. */
  readonly reserved: readonly number[]
}

/** A guest's nodes on the nodes of a host. */
export interface FittedTopology {
  readonly cells: readonly FittedCell[]
  readonly cpuPolicy: 'dedicated' | 'shared' | 'mixed' | null
  readonly threadPolicy: 'prefer' | 'isolate' | 'require' | null
  readonly emulatorPolicy: 'share' | 'isolate' | null
}

export const noUsage: CellUsage = { sharedCpus: 0, memoryMiB: 0, pinned: new Set(), pages: new Map() }

const smallestPage = (cell: HostCell): number | null =>
  cell.pages.length === 0 ? null : Math.min(...cell.pages.map(pages => pages.sizeKiB))

/** Where the guest may use one thread of a core only, the others are as good as taken. */
function takenBy(host: HostCell, guest: FittedCell, { threadPolicy }: FittedTopology): ReadonlySet<number> {
  const own = new Set([...guest.pins.map(([, cpu]) => cpu), ...guest.reserved])
  if (threadPolicy !== 'isolate') return own
  return own.union(new Set(host.siblings.filter(core => core.some(cpu => own.has(cpu))).flat()))
}

function withGuest(usage: CellUsage, host: HostCell, guest: FittedCell, topology: FittedTopology): CellUsage {
  const size = guest.pageSizeKiB ?? smallestPage(host)
  const pages = new Map(usage.pages)
  if (size !== null) pages.set(size, (pages.get(size) ?? 0) + (guest.memoryMiB * 1024) / size)
  return {
    sharedCpus: usage.sharedCpus + guest.cpus.length - guest.pins.length,
    memoryMiB: usage.memoryMiB + guest.memoryMiB,
    pinned: usage.pinned.union(takenBy(host, guest, topology)),
    pages,
  }
}

/** What these guests have of the host, by its nodes. */
export function numaUsage(host: HostTopology, guests: readonly FittedTopology[]): HostNumaUsage {
  const usage = new Map<number, CellUsage>(host.cells.map(cell => [cell.id, noUsage]))
  const cells = new Map(host.cells.map(cell => [cell.id, cell]))
  for (const topology of guests) {
    for (const guest of topology.cells) {
      const cell = cells.get(guest.hostCell)
      // A node that the host has lost since.
      if (cell === undefined) continue
      usage.set(cell.id, withGuest(usage.get(cell.id) ?? noUsage, cell, guest, topology))
    }
  }
  return usage
}

/** Any core with several threads. */
export const hasThreads = ({ cells }: HostTopology): boolean =>
  cells.some(cell => cell.siblings.some(core => core.length > 1))
