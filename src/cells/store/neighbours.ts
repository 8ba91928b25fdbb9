import { affected, insertIgnore } from '#store/engine'
import { CellExists } from '../faults.ts'
import { checkedName } from '../names.ts'
import type { Neighbour, NeighbourSource } from '../tree/neighbour.ts'
import type { Db } from './schema.ts'

/** As `nova-manage cell list` shows it. */
export interface StoredNeighbour extends Neighbour {
  readonly number: number
}

/** The table of neighbours. */
export class CellNeighbours implements NeighbourSource {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async list(): Promise<readonly StoredNeighbour[]> {
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

  /** `InvalidCellName`; `CellExists` when the name is taken. */
  async create(neighbour: Neighbour, nowMs: number): Promise<void> {
    const isNew = await insertIgnore(this.#db, 'cells', {
      name: checkedName(neighbour.name),
      is_parent: Number(neighbour.isParent),
      transport_url: neighbour.transportUrl,
      weight_offset: neighbour.weightOffset,
      weight_scale: neighbour.weightScale,
      created_at: nowMs,
    })
    if (!isNew) throw CellExists({ name: neighbour.name })
  }

  /** False: there was none of that name. */
  async delete(name: string): Promise<boolean> {
    return affected(await this.#db.deleteFrom('cells').where('name', '=', name).executeTakeFirstOrThrow()) > 0
  }
}
