import type { CellWish } from '#bus'
import type { CellCapabilities, CellCapacities } from '#model'
import type { CellRefusal } from '../faults.ts'

/** A cell that a server may go to: a child with all cells below it, or the cell that chooses itself. */
export interface CellCandidate {
  readonly name: string
  /** From the first cell. */
  readonly path: string
  readonly isOwn: boolean
  readonly capabilities: CellCapabilities
  /** Null: it has not told. */
  readonly capacities: CellCapacities | null
  readonly weightOffset: number
  readonly isMute: boolean
}

export interface CellRequest {
  readonly wish: CellWish
  /** Whether policy lets the caller use the hints of this filter. */
  may(filter: string): boolean
}

/** True, or why the cell is refused. */
export type CellVerdict = true | string

export interface CellFilter {
  /** Nova's class name. */
  readonly name: string
  /** Null: it refuses nothing of this request. */
  prepare(request: CellRequest): ((cell: CellCandidate) => CellVerdict) | null
}

export interface CellWeigher {
  readonly name: string
  readonly multiplier: number
  score(cell: CellCandidate, wish: CellWish): number
}

export interface CellChoice {
  /** Best first. */
  readonly cells: readonly CellCandidate[]
  readonly refusals: readonly CellRefusal[]
}
