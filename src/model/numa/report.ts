import { declareFault } from '#base'
import { cpusIn } from './cpu-list.ts'
import type { HostCell, HostTopology } from './host-topology.ts'

/** A host's node as its hypervisor tells it, before the operator's options say who may have what of it. */
export interface MachineCell {
  readonly id: number
  readonly memoryMiB: number
  readonly cpus: readonly number[]
  readonly siblings: readonly (readonly number[])[]
  readonly pages: readonly { readonly sizeKiB: number; readonly total: number }[]
  readonly socket: number | null
}

export const InvalidHostCpus = declareFault('InvalidHostCpus', 'final', (p: { text: string }) => p.text)

export interface CpuOptions {
  /** `[compute] cpu_shared_set` */
  readonly shared: string | null
  /** `[compute] cpu_dedicated_set` */
  readonly dedicated: string | null
}

/** CPUs of a host for guests that share them, and for those that have them alone. */
export interface HostCpus {
  readonly shared: ReadonlySet<number>
  readonly dedicated: ReadonlySet<number>
}

const printed = (cpus: ReadonlySet<number>): string => `[${[...cpus].sort((a, b) => a - b).join(', ')}]`

function named(name: string, list: string, online: ReadonlySet<number>): ReadonlySet<number> {
  const cpus = cpusIn(list)
  if (cpus.size === 0)
    throw InvalidHostCpus({ text: `No CPUs available after parsing '[compute] ${name}' config, '${list}'` })
  if (cpus.isSubsetOf(online)) return cpus
  const lists = `Online cpuset(s): ${printed(online)}, configured cpuset(s): ${printed(cpus)}`
  const text = `Invalid '[compute] ${name}' config: one or more of the configured CPUs is not online. ${lists}`
  throw InvalidHostCpus({ text })
}

/** What the options make of the CPUs that are there. */
export function hostCpus(online: ReadonlySet<number>, { shared, dedicated }: CpuOptions): HostCpus {
  const own = dedicated === null || dedicated === '' ? new Set<number>() : named('cpu_dedicated_set', dedicated, online)
  const isNothingSaid = shared === null || shared === ''
  const rest = isNothingSaid ? (own.size > 0 ? new Set<number>() : online) : named('cpu_shared_set', shared, online)
  if (!own.isDisjointFrom(rest))
    throw InvalidHostCpus({
      text: "The '[compute] cpu_dedicated_set' and '[compute] cpu_shared_set' configuration options must be disjoint.",
    })
  return { shared: rest, dedicated: own }
}

export interface TopologyOptions extends CpuOptions {
  /** `[DEFAULT] reserved_huge_pages` */
  readonly reservedPages: readonly { readonly node: number; readonly sizeKiB: number; readonly count: number }[]
  /** `[neutron_physnet_…] numa_nodes` of the networks of `[neutron] physnets`. */
  readonly physnets: Readonly<Record<string, readonly number[]>>
  /** `[neutron_tunnel] numa_nodes` */
  readonly tunnels: readonly number[]
  /** `[compute] packing_host_numa_cells_allocation_strategy` */
  readonly packsCells: boolean
}

function cellOf(cell: MachineCell, cpus: HostCpus, own: ReadonlySet<number>, options: TopologyOptions): HostCell {
  const reserved = (sizeKiB: number) =>
    options.reservedPages.findLast(pages => pages.node === cell.id && pages.sizeKiB === sizeKiB)?.count ?? 0
  const physnets = Object.entries(options.physnets).flatMap(([name, nodes]) => (nodes.includes(cell.id) ? [name] : []))
  return {
    id: cell.id,
    memoryMiB: cell.memoryMiB,
    sharedCpus: cell.cpus.filter(cpu => cpus.shared.has(cpu)),
    dedicatedCpus: cell.cpus.filter(cpu => own.has(cpu)),
    siblings: cell.siblings,
    pages: cell.pages.map(pages => ({ ...pages, reserved: Math.min(reserved(pages.sizeKiB), pages.total) })),
    socket: cell.socket,
    ...(physnets.length === 0 ? {} : { physnets }),
    ...(options.tunnels.includes(cell.id) ? { hasTunnels: true } : {}),
  }
}

function mustKnow(nodes: readonly number[], what: string, cells: readonly MachineCell[]): void {
  const missing = nodes.find(node => !cells.some(cell => cell.id === node))
  if (missing === undefined) return
  const known = cells.map(cell => cell.id).join(', ')
  const text = `Invalid NUMA network affinity configured: node ${missing} for ${what} is not present in host affinity set {${known}}`
  throw InvalidHostCpus({ text })
}

/**
 * The nodes of a host as guests may use them. Where the operator names no CPUs at all, every CPU may be shared and may be
 * pinned, as hosts were before there were options for it.
 */
export function hostTopology(cells: readonly MachineCell[], options: TopologyOptions): HostTopology {
  for (const [name, nodes] of Object.entries(options.physnets)) mustKnow(nodes, `physnet ${name}`, cells)
  mustKnow(options.tunnels, 'tunneled networks', cells)
  const cpus = hostCpus(new Set(cells.flatMap(cell => cell.cpus)), options)
  const isLegacy = cpus.dedicated.size === 0 && (options.shared === null || options.shared === '')
  const own = isLegacy ? cpus.shared : cpus.dedicated
  return {
    cells: cells.map(cell => cellOf(cell, cpus, own, options)),
    ...(options.packsCells ? { packsCells: true } : {}),
  }
}

/** Reads `node:0,size:2048,count:64`; sizes in KiB, or with a unit. */
export function reservedPages(entries: readonly string[]): TopologyOptions['reservedPages'] {
  return entries.map(entry => {
    const fields = new Map(
      entry.split(',').map(part => part.split(':', 2).map(text => text.trim()) as [string, string]),
    )
    const whole = (name: string) => {
      const text = fields.get(name) ?? ''
      return /^\d+$/.test(text) ? Number(text) : Number.NaN
    }
    const [, digits, unit] = /^(\d+)\s*([KMGT])i?B?$/i.exec(fields.get('size') ?? '') ?? []
    const power = { K: 0, M: 1, G: 2, T: 3 }[(unit ?? 'K').toUpperCase()] ?? 0
    const sizeKiB = digits === undefined ? whole('size') : Number(digits) * 1024 ** power
    const found = { node: whole('node'), sizeKiB, count: whole('count') }
    if (Object.values(found).some(Number.isNaN))
      throw InvalidHostCpus({ text: `The format of the option 'reserved_huge_pages' is invalid. (found '${entry}')` })
    return found
  })
}
