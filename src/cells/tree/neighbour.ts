/** A cell next to this one, as the operator has written it down. */
export interface Neighbour {
  readonly name: string
  readonly isParent: boolean
  /** Where its nova-cells listen; with the broker's password. */
  readonly transportUrl: string
  /** What WeightOffsetWeigher adds for it. */
  readonly weightOffset: number
  /** Kept as Nova keeps it: nothing multiplies by it there either. */
  readonly weightScale: number
}

/** Where neighbours are written down. */
export interface NeighbourSource {
  list(): Promise<readonly Neighbour[]>
}
