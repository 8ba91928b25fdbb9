import type { MachineCell, PciFunction } from '#model'
import type { HostDescription } from '../driver.ts'

/** CPUs, memory nodes and devices that a simulated host tells about. */
export interface FakeHardware {
  readonly cells?: readonly MachineCell[]
  readonly pciFunctions?: readonly PciFunction[]
  /** How busy its processors are, in shares of the time; idle otherwise. */
  readonly load?: HostLoad
}

/** May be changed while it runs. */
export interface HostLoad {
  user: number
  kernel: number
  iowait: number
}

/** What the host tells of them in its description. */
export const cellsAndDevices = ({
  cells,
  pciFunctions,
}: FakeHardware): Pick<HostDescription, 'cells' | 'pciFunctions'> => ({
  ...(cells === undefined ? {} : { cells }),
  ...(pciFunctions === undefined ? {} : { pciFunctions }),
})

export interface EvenCells {
  readonly cells: number
  readonly cpus: number
  readonly threadsPerCore: number
  readonly memoryMiB: number
  /** Of one node. */
  readonly pages: readonly { readonly node: number; readonly sizeKiB: number; readonly count: number }[]
}

const smallPageKiB = 4

function cellOf(id: number, { cells, cpus, threadsPerCore, memoryMiB, pages }: EvenCells): MachineCell {
  const each = Math.floor(cpus / cells)
  const own = Array.from({ length: each }, (_, i) => id * each + i)
  const cores = Math.max(1, Math.floor(each / threadsPerCore))
  const ofCell = Math.floor(memoryMiB / cells)
  const large = pages.filter(one => one.node === id).map(({ sizeKiB, count }) => ({ sizeKiB, total: count }))
  const inLarge = large.reduce((kib, one) => kib + one.sizeKiB * one.total, 0)
  return {
    id,
    memoryMiB: ofCell,
    cpus: own,
    // As on most machines: the second threads of all cores come after the first ones.
    siblings: Array.from({ length: cores }, (_, core) => own.filter(cpu => (cpu - id * each) % cores === core)),
    pages: [
      { sizeKiB: smallPageKiB, total: Math.max(0, Math.floor((ofCell * 1024 - inLarge) / smallPageKiB)) },
      ...large,
    ],
    socket: id,
  }
}

/** CPUs and memory spread evenly over nodes, each in a socket of its own. */
export const evenCells = (wish: EvenCells): readonly MachineCell[] =>
  Array.from({ length: wish.cells }, (_, id) => cellOf(id, wish))

const textIn = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** One entry of `[simulated_host] pci_devices`: `address`, `vendor_id`, `product_id`, and what is not usual of it. */
export function simulatedFunction(entry: string): PciFunction {
  const given = JSON.parse(entry) as Readonly<Record<string, unknown>>
  const address = textIn(given['address'])
  if (address === null) throw new Error(`a simulated PCI device needs an address: ${entry}`)
  const type = (['type-PF', 'type-VF', 'vdpa'] as const).find(one => one === given['type']) ?? 'type-PCI'
  return {
    address: address.toLowerCase(),
    vendorId: textIn(given['vendor_id'])?.toLowerCase() ?? '8086',
    productId: textIn(given['product_id'])?.toLowerCase() ?? '1533',
    type,
    numaNode: typeof given['numa_node'] === 'number' ? given['numa_node'] : null,
    parentAddress: textIn(given['parent'])?.toLowerCase() ?? null,
    interfaceName: textIn(given['devname']),
    parentInterfaceName: textIn(given['parent_devname']),
    cardSerial: textIn(given['serial']),
    canMove: given['live_migratable'] === true,
  }
}

/** Threads share cores somewhere, and devices can be near a socket's memory. */
export const hardwareTraits = ({ cells }: FakeHardware): readonly string[] =>
  cells === undefined
    ? []
    : [
        'COMPUTE_SOCKET_PCI_NUMA_AFFINITY',
        ...(cells.some(cell => cell.siblings.some(core => core.length > 1)) ? ['HW_CPU_HYPERTHREADING'] : []),
      ]

/** As libvirt counts: sockets and cores of one node. */
export function cpuTopology({ cells }: FakeHardware, vcpus: number) {
  const [first] = cells ?? []
  if (cells === undefined || first === undefined) return { cells: 1, sockets: 1, cores: vcpus, threads: 1 }
  const threads = Math.max(1, ...first.siblings.map(core => core.length))
  return { cells: cells.length, sockets: 1, cores: first.siblings.length, threads }
}

/** The size of the host as its nodes have it. */
export const hardwareSize = ({ cells }: FakeHardware): Partial<Pick<HostDescription, 'vcpus' | 'memoryMiB'>> =>
  cells === undefined
    ? {}
    : {
        vcpus: cells.reduce((count, cell) => count + cell.cpus.length, 0),
        memoryMiB: cells.reduce((sum, cell) => sum + cell.memoryMiB, 0),
      }
