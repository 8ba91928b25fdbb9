import type { Db } from '../../tables.ts'
import { ChildStates } from './child-states.ts'
import { FlavorSizes } from './flavor-sizes.ts'
import { KeptRequests } from './kept-requests.ts'
import { NeighbourCells } from './neighbour-cells.ts'

export type { ChildState } from './child-states.ts'
export type { Sizes } from './flavor-sizes.ts'
export type { KeptRequest, KeptRequests } from './kept-requests.ts'
export type { NeighbourCell, StoredNeighbourCell } from './neighbour-cells.ts'

/** What nova-cells writes down in the database of its cell. */
export class NovaCells {
  readonly neighbours: NeighbourCells
  readonly children: ChildStates
  readonly sizes: FlavorSizes
  readonly requests: KeptRequests

  constructor(db: Db) {
    this.neighbours = new NeighbourCells(db)
    this.children = new ChildStates(db)
    this.sizes = new FlavorSizes(db)
    this.requests = new KeptRequests(db)
  }
}
