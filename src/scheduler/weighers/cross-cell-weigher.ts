import type { HostWeigher } from './weigher.ts'

/** A move that may leave its cell still prefers to stay. */
export const crossCellWeigher: HostWeigher = {
  name: 'CrossCellWeigher',
  multiplierName: 'cross_cell_move_weight_multiplier',
  multiplier: options => options.filter_scheduler.cross_cell_move_weight_multiplier,
  prepare({ spec: { preferredCellId } }) {
    if (preferredCellId === undefined) return null
    return host => (host.cellId === preferredCellId ? 1 : -1)
  },
}
