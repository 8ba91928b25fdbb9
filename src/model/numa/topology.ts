import { cpusIn } from './cpu-list.ts'
import { emulatorPolicyOf } from './cpu-wishes.ts'
import { InvalidNumaRequest } from './faults.ts'
import { checkLockedMemory, pageSizeOf } from './page-size.ts'
import { pinnedCpus } from './pinned-cpus.ts'
import { isSet, type NumaSource, wish } from './wishes.ts'

/** One NUMA node of a guest. */
export interface NumaCell {
  /** Also the host's node until the host gives it another one. */
  readonly id: number
  readonly cpus: readonly number[]
  /** Those of `cpus` that are the guest's own. */
  readonly pinned: readonly number[]
  readonly memoryMiB: number
}

export interface NumaTopology {
  readonly cells: readonly NumaCell[]
  /** Negative where the host chooses: -1 its smallest, -2 a large one, -3 any. */
  readonly pageSizeKiB: number | undefined
  readonly cpuPolicy: 'dedicated' | 'shared' | 'mixed' | null
  readonly threadPolicy: 'prefer' | 'isolate' | 'require' | null
  readonly emulatorPolicy: 'share' | 'isolate' | null
}

const refuse = (text: string) => InvalidNumaRequest({ text })
const overrides = (name: string) =>
  refuse(`Image property '${name}' is not permitted to override NUMA configuration set against the flavor`)

/** More nodes than this are not looked for in numbered properties. */
const mostNodes = 128

function nodeCount(source: NumaSource): number | undefined {
  const { flavor, image } = wish(source, 'numa_nodes')
  if (isSet(flavor) && isSet(image)) throw overrides('hw_numa_nodes')
  const asked = isSet(flavor) ? flavor : image
  if (asked === undefined) return undefined
  if (!/^-?\d+$/.test(asked) || Number(asked) < 1)
    throw refuse(`The property 'numa_nodes' cannot be '${asked}'. It must be a number greater than 0`)
  return Number(asked)
}

/** `hw:numa_cpus.0`, `hw:numa_cpus.1`, … up to the first that is missing; of the flavor or of the image, not of both. */
function perNode<T>(source: NumaSource, key: string, read: (text: string) => T): readonly T[] | undefined {
  const numbered = (properties: Readonly<Record<string, string>>, prefix: string): T[] => {
    const found: T[] = []
    for (let node = 0; node < mostNodes; node++) {
      const value = properties[`${prefix}${key}.${node}`]
      if (value === undefined) break
      found.push(read(value))
    }
    return found
  }
  const flavor = numbered(source.flavor.extraSpecs, 'hw:')
  const image = numbered(source.imageProperties, 'hw_')
  if (flavor.length > 0 && image.length > 0) throw overrides(`hw_${key}`)
  const found = flavor.length > 0 ? flavor : image
  return found.length > 0 ? found : undefined
}

function memoryIn(text: string): number {
  if (!/^\s*-?\d+\s*$/.test(text)) throw refuse(`invalid literal for int() with base 10: '${text}'`)
  return Number(text)
}

type Cells = readonly { readonly cpus: readonly number[]; readonly memoryMiB: number }[]

function evenCells({ flavor: { vcpus, memoryMiB } }: NumaSource, nodes: number): Cells {
  if (vcpus % nodes > 0 || memoryMiB % nodes > 0)
    throw refuse(
      'Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. ' +
        'Explicit assignment of CPUs and memory to nodes is required',
    )
  const each = vcpus / nodes
  return Array.from({ length: nodes }, (_, node) => ({
    cpus: Array.from({ length: each }, (_, cpu) => node * each + cpu),
    memoryMiB: memoryMiB / nodes,
  }))
}

function namedCells({ flavor }: NumaSource, cpus: readonly ReadonlySet<number>[], memory: readonly number[]): Cells {
  const free = new Set(Array.from({ length: flavor.vcpus }, (_, cpu) => cpu))
  for (const cpu of cpus.flatMap(set => [...set])) {
    if (cpu > flavor.vcpus - 1) throw refuse(`CPU number ${cpu} is larger than max ${flavor.vcpus - 1}`)
    if (!free.delete(cpu)) throw refuse(`CPU number ${cpu} is assigned to two nodes`)
  }
  if (free.size > 0) throw refuse(`CPU number {${[...free].join(', ')}} is not assigned to any node`)
  const total = memory.reduce((sum, mib) => sum + mib, 0)
  if (total !== flavor.memoryMiB) throw refuse(`${total} MB of memory assigned, but expected ${flavor.memoryMiB} MB`)
  return cpus.map((set, node) => ({ cpus: [...set].sort((a, b) => a - b), memoryMiB: memory[node] ?? 0 }))
}

/** The NUMA nodes that flavor and image ask for; undefined when they leave it to the host. Refuses what cannot be. */
export function numaTopology(source: NumaSource): NumaTopology | undefined {
  const { isPinned, own, policy: cpuPolicy, threads: threadPolicy } = pinnedCpus(source)
  const nodes = nodeCount(source)
  const pageSizeKiB = pageSizeOf(source)
  checkLockedMemory(source)
  const hasPersistentMemory = (source.flavor.extraSpecs['hw:pmem'] ?? '').split(',').some(label => label.trim() !== '')
  if (nodes === undefined && pageSizeKiB === undefined && !hasPersistentMemory && !isPinned) return undefined
  const count = nodes ?? 1
  const cpus = perNode(source, 'numa_cpus', cpusIn)
  const memory = perNode(source, 'numa_mem', memoryIn)
  if (cpus?.length !== memory?.length || (cpus !== undefined && cpus.length !== count))
    throw refuse('CPU and memory allocation must be provided for all NUMA nodes')
  const cells = cpus === undefined || memory === undefined ? evenCells(source, count) : namedCells(source, cpus, memory)
  return {
    cells: cells.map((cell, id) => ({ id, ...cell, pinned: cell.cpus.filter(cpu => own.has(cpu)) })),
    pageSizeKiB,
    cpuPolicy,
    threadPolicy,
    emulatorPolicy: emulatorPolicyOf(source) ?? null,
  }
}
