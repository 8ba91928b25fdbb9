import { affected, insertIgnore } from '../../engine/index.ts'
import type { Db } from '../../tables.ts'

/** A cell next to this one, as the operator has written it down. */
export interface NeighbourCell {
  readonly name: string
  readonly isParent: boolean
  /** Where its nova-cells listen; with the broker's password. */
  readonly transportUrl: string
  /** What WeightOffsetWeigher adds for it. */
  readonly weightOffset: number
  /** Kept as Nova keeps it: nothing multiplies by it there either. */
  readonly weightScale: number
}

export interface StoredNeighbourCell extends NeighbourCell {
  readonly number: number
}

/** The table of neighbours. */
export class NeighbourCells {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async list(): Promise<readonly StoredNeighbourCell[]> {
    const rows = await this.#db.selectFrom('cells').selectAll().orderBy('number').execute()
    return rows.map(row => ({
      number: row.number,
      name: row.name,
      isParent: row.is_parent === 1,
      transportUrl: row.transport_url,
      weightOffset: row.weight_offset,
      weightScale: row.weight_scale,
    }))
  }

  /** False: the name is taken. */
  create(neighbour: NeighbourCell, nowMs: number): Promise<boolean> {
    return insertIgnore(this.#db, 'cells', {
      name: neighbour.name,
      is_parent: Number(neighbour.isParent),
      transport_url: neighbour.transportUrl,
      weight_offset: neighbour.weightOffset,
      weight_scale: neighbour.weightScale,
      created_at: nowMs,
    })
  }

  /** False: there was none of that name. */
  async delete(name: string): Promise<boolean> {
    return affected(await this.#db.deleteFrom('cells').where('name', '=', name).executeTakeFirstOrThrow()) > 0
  }
}
