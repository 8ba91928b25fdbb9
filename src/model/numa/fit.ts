import { fitCell, type NumaLimits } from './fit-cell.ts'
import {
  type CellUsage,
  type FittedCell,
  type FittedTopology,
  type HostCell,
  type HostNumaUsage,
  type HostTopology,
  noUsage,
} from './host-topology.ts'
import type { NumaTopology } from './topology.ts'

/** Networks that a guest will be on, for hosts whose cards are near some nodes only. */
export interface NetworkNearness {
  readonly physnets: readonly string[]
  readonly isTunneled: boolean
}

export interface FitWish {
  readonly topology: NumaTopology
  /** Null: shared CPUs and memory are not limited. */
  readonly limits: NumaLimits | null
  readonly networks?: NetworkNearness
  /** Free PCI devices by node: guests without devices leave those nodes to others. */
  readonly devicesAt?: ReadonlyMap<number, number>
  readonly wantsDevices?: boolean
  /** What else must hold for the nodes that were found; the text says why it does not. */
  readonly accepts?: (hostCells: readonly number[]) => true | string
}

export type Fit =
  | { readonly ok: true; readonly fitted: FittedTopology }
  | { readonly ok: false; readonly reason: string }

/** Choices of nodes that are shown to `accepts`; beyond that a host counts as full. */
const mostChoices = 20_000

const by =
  <T>(key: (item: T) => number, isDescending: boolean) =>
  (a: T, b: T) =>
    isDescending ? key(b) - key(a) : key(a) - key(b)

/** Nova's order, each sort keeping the one before among equals; a guest that needs every node takes them as they are. */
function ordered(host: HostTopology, usage: HostNumaUsage, wish: FitWish): readonly HostCell[] {
  const { topology, devicesAt } = wish
  const { packsCells = false } = host
  if (host.cells.length <= topology.cells.length) return host.cells
  const used = (cell: HostCell): CellUsage => usage.get(cell.id) ?? noUsage
  const freeMemory = (cell: HostCell) => cell.memoryMiB - used(cell).memoryMiB
  const freeOwn = (cell: HostCell) => cell.dedicatedCpus.filter(cpu => !used(cell).pinned.has(cpu)).length
  const isShared = topology.cpuPolicy === null || topology.cpuPolicy === 'shared'
  const cells = host.cells
    .toSorted(by(freeMemory, !packsCells))
    .toSorted(isShared ? by(cell => used(cell).sharedCpus, packsCells) : by(freeOwn, !packsCells))
  if (devicesAt === undefined) return cells
  return cells.toSorted(by(cell => devicesAt.get(cell.id) ?? 0, wish.wantsDevices === true))
}

/** A node with a network's card must be among the chosen ones, where any node of the host has one. */
function lacksNetworks(host: HostTopology, chosen: readonly HostCell[], networks: NetworkNearness): string | undefined {
  const reached = new Set(chosen.flatMap(cell => cell.physnets ?? []))
  const far = networks.physnets.find(
    physnet => !reached.has(physnet) && host.cells.some(cell => cell.physnets?.includes(physnet)),
  )
  if (far !== undefined) return `network ${far} is not at ${cellsText(chosen)}`
  const isFarTunnel =
    networks.isTunneled && !chosen.some(cell => cell.hasTunnels) && host.cells.some(cell => cell.hasTunnels)
  return isFarTunnel ? `tunnels are not at ${cellsText(chosen)}` : undefined
}

const cellsText = (cells: readonly HostCell[]): string => `cell ${cells.map(cell => cell.id).join(' and ')}`

/** Whether each of these guest nodes can have a host node of its own at all, whatever the order. */
function canMatch(fits: readonly (readonly number[])[], from: number, taken: ReadonlySet<number>): boolean {
  const owner = new Map<number, number>()
  const place = (guest: number, seen: Set<number>): boolean => {
    for (const host of fits[guest] ?? []) {
      if (taken.has(host) || seen.has(host)) continue
      seen.add(host)
      const other = owner.get(host)
      if (other !== undefined && !place(other, seen)) continue
      owner.set(host, guest)
      return true
    }
    return false
  }
  for (let guest = from; guest < fits.length; guest++) if (!place(guest, new Set())) return false
  return true
}

/** All ways to give each guest node a host node of its own, in the order of the host's nodes. */
function* choices(fits: readonly (readonly number[])[], chosen: readonly number[] = []): Generator<readonly number[]> {
  if (chosen.length === fits.length) {
    yield chosen
    return
  }
  const taken = new Set(chosen)
  for (const host of fits[chosen.length] ?? []) {
    if (taken.has(host)) continue
    const next = [...chosen, host]
    if (canMatch(fits, next.length, new Set(next))) yield* choices(fits, next)
  }
}

/** Why guest nodes do not fit, host node by host node. */
function whyNot(wanted: NumaTopology, cells: readonly HostCell[], table: readonly (FittedCell | string)[][]): string {
  const lost = table.findIndex(row => row.every(answer => typeof answer === 'string'))
  if (lost < 0) return `its cells cannot hold the ${wanted.cells.length} cells of the guest at once`
  const words = (table[lost] ?? [])
    .map((reason, i) => ({ id: cells[i]?.id ?? -1, reason: String(reason) }))
    .sort((a, b) => a.id - b.id)
    .map(({ id, reason }) => `cell ${id}: ${reason}`)
    .join('; ')
  return wanted.cells.length === 1 ? words : `for guest cell ${lost}: ${words}`
}

/**
 * The guest's nodes on the host's nodes as they are used now: each on one of its own, pinned CPUs on CPUs that nobody has.
 * The same question has the same answer. A refusal says what each node had.
 */
export function fitOnHost(host: HostTopology, usage: HostNumaUsage, wish: FitWish): Fit {
  const { topology, limits, networks, accepts } = wish
  const refuse = (reason: string): Fit => ({ ok: false, reason })
  if (host.cells.length < topology.cells.length)
    return refuse(`${topology.cells.length} NUMA cells needed, it has ${host.cells.length}`)
  const cells = ordered(host, usage, wish)
  const table = topology.cells.map(guest =>
    cells.map(cell => fitCell(cell, usage.get(cell.id) ?? noUsage, guest, topology, limits)),
  )
  const fits = table.map(row => row.flatMap((answer, i) => (typeof answer === 'string' ? [] : [i])))
  if (!canMatch(fits, 0, new Set())) return refuse(whyNot(topology, cells, table))
  let last = 'its cells do not suit the guest'
  let tried = 0
  for (const choice of choices(fits)) {
    if (tried++ >= mostChoices) break
    const chosen = choice.flatMap(i => cells[i] ?? [])
    const far = networks === undefined ? undefined : lacksNetworks(host, chosen, networks)
    const verdict = far ?? accepts?.(chosen.map(cell => cell.id)) ?? true
    if (verdict !== true) {
      last = verdict
      continue
    }
    const fitted = choice.map((i, guest) => table[guest]?.[i]).filter(answer => typeof answer === 'object')
    const { cpuPolicy, threadPolicy, emulatorPolicy } = topology
    return { ok: true, fitted: { cells: fitted, cpuPolicy, threadPolicy, emulatorPolicy } }
  }
  return refuse(last)
}
