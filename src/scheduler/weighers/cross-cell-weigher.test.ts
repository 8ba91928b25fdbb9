import { weigherTable } from '../testing.ts'
import { crossCellWeigher } from './cross-cell-weigher.ts'

const hosts = [{ cellId: 'west' }, { cellId: 'east' }, { cellId: 'west' }]

weigherTable(crossCellWeigher, [
  { when: 'the request stays where it is', hosts, weights: [0, 0, 0] },
  {
    when: 'it may leave its cell, and would rather not',
    spec: { preferredCellId: 'west' },
    hosts,
    weights: [1_000_000, 0, 1_000_000],
  },
  {
    when: 'it may leave its cell, and should',
    spec: { preferredCellId: 'west' },
    options: { filter_scheduler: { cross_cell_move_weight_multiplier: -2 } },
    hosts,
    weights: [-2, 0, -2],
  },
])
