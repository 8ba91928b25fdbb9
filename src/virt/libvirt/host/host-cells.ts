import type { MachineCell } from '#model'
import { cpusIn } from '#model'
import { nodeAt, nodesAt, type XmlNode } from '../xml-tree.ts'

const numberOf = (node: XmlNode | undefined, attribute: string): number =>
  Number(node?.attributes[attribute] ?? Number.NaN)

function cellOf(cell: XmlNode): MachineCell {
  const cpus = nodesAt(cell, 'cpus', 'cpu').filter(cpu => Number.isInteger(numberOf(cpu, 'id')))
  const cores = new Map<string, readonly number[]>()
  for (const cpu of cpus) {
    const siblings = [...cpusIn(cpu.attributes['siblings'] ?? '')].sort((a, b) => a - b)
    if (siblings.length > 0) cores.set(siblings.join(), siblings)
  }
  const sockets = new Set(cpus.map(cpu => cpu.attributes['socket_id']))
  const [socket] = sockets
  return {
    id: numberOf(cell, 'id'),
    memoryMiB: Math.floor(Number(nodeAt(cell, 'memory')?.text ?? 0) / 1024),
    cpus: cpus.map(cpu => numberOf(cpu, 'id')).sort((a, b) => a - b),
    siblings: [...cores.values()].sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0)),
    pages: nodesAt(cell, 'pages').map(pages => ({
      sizeKiB: numberOf(pages, 'size'),
      total: Number(pages.text.trim()),
    })),
    socket: sockets.size === 1 && socket !== undefined ? Number(socket) : null,
  }
}

/** The NUMA nodes that libvirt's capabilities tell of; CPUs that are off have no more than their number there, and are left out. */
export const hostCells = (capabilities: XmlNode): readonly MachineCell[] =>
  nodesAt(capabilities, 'host', 'topology', 'cells', 'cell')
    .map(cellOf)
    .filter(cell => cell.cpus.length > 0)
