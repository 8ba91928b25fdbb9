import { readVersionNeed } from '#model'
import { hypervisorVersionKey } from '../capacity/capabilities.ts'
import { isWithin } from '../names.ts'
import type { CellFilter } from './candidate.ts'

/** The hint `target_cell`: that cell, or the child on the way to it. */
export const targetCellFilter: CellFilter = {
  name: 'TargetCellFilter',
  prepare({ wish, may }) {
    const [target] = wish.hints['target_cell'] ?? []
    if (target === undefined || !may(this.name)) return null
    // This cell does not lead to those below it: its children do.
    return cell =>
      (cell.isOwn ? target === cell.path : isWithin(target, cell.path)) || `the hint target_cell names ${target}`
  },
}

/** The hint `different_cell`: none of these cells. */
export const differentCellFilter: CellFilter = {
  name: 'DifferentCellFilter',
  prepare({ wish, may }) {
    const unwanted = wish.hints['different_cell'] ?? []
    if (unwanted.length === 0 || !may(this.name)) return null
    return cell => !unwanted.includes(cell.path) || 'the hint different_cell names it'
  },
}

/** `hypervisor_version_requires` of the image against what the cell tells of its hypervisors; nothing told: it may be. */
export const imagePropertiesFilter: CellFilter = {
  name: 'ImagePropertiesFilter',
  prepare({ wish }) {
    const need = wish.imageProperties['hypervisor_version_requires']
    if (need === undefined) return null
    const fits = readVersionNeed(need)
    if (fits === undefined) return () => `hypervisor_version_requires of the image is no version need: ${need}`
    return cell => {
      const versions = cell.capabilities[hypervisorVersionKey] ?? []
      if (versions.length === 0 || versions.some(fits)) return true
      return `the image needs a hypervisor of version ${need}, and this cell has ${versions.join(', ')}`
    }
  },
}

export const cellFilters: readonly CellFilter[] = [targetCellFilter, differentCellFilter, imagePropertiesFilter]
