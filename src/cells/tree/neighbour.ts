import type { NeighbourCell } from '#store'

/** Where neighbours are written down. */
export interface NeighbourSource {
  list(): Promise<readonly NeighbourCell[]>
}
