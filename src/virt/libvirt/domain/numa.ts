import type { GuestNuma, GuestSpec } from '../../guest-spec.ts'
import { ranges } from './cpu-ranges.ts'
import { element, type XmlElement } from './element.ts'
import type { Family } from './host.ts'

/** Larger than what the host uses anyway. */
const isHuge = (numa: GuestNuma, cell: GuestNuma['cells'][number]): boolean => {
  const usual = numa.hostCells.find(host => host.id === cell.hostCell)?.smallestPageKiB ?? 4
  return cell.pageSizeKiB !== null && cell.pageSizeKiB > usual
}

/** The guest's memory comes from those nodes of the host that its own nodes are on, and from nowhere else. */
export const numaTune: Family = ({ numa }) =>
  numa === undefined
    ? undefined
    : element(
        'numatune',
        {},
        element('memory', { mode: 'strict', nodeset: ranges(numa.cells.map(cell => cell.hostCell)) }),
        numa.cells.map(cell => element('memnode', { cellid: cell.id, mode: 'strict', nodeset: cell.hostCell })),
      )

/** The nodes as the guest sees them, inside its processor's element. */
export function guestCells({ numa }: GuestSpec): XmlElement | undefined {
  if (numa === undefined) return undefined
  const hasHuge = numa.cells.some(cell => isHuge(numa, cell))
  const cells = numa.cells.map(({ id, cpus, memoryMiB }) =>
    element('cell', {
      id,
      cpus: ranges(cpus),
      memory: memoryMiB * 1024,
      unit: 'KiB',
      memAccess: hasHuge ? 'shared' : undefined,
    }),
  )
  return element('numa', {}, cells)
}

export function hugePages({ numa }: GuestSpec): readonly XmlElement[] {
  const pages = (numa?.cells ?? [])
    .filter(cell => numa !== undefined && isHuge(numa, cell))
    .map(({ id, pageSizeKiB }) => element('page', { size: pageSizeKiB ?? undefined, unit: 'KiB', nodeset: id }))
  return pages.length === 0 ? [] : [element('hugepages', {}, pages)]
}
