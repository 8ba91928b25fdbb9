import { fromJson } from '#base'
import type { CellCapabilities, CellCapacities } from '#model'
import { upsert } from '../../engine/index.ts'
import type { Db } from '../../tables.ts'

/** What a child has told of itself. */
export interface ChildState {
  readonly name: string
  /** Null: not told yet. */
  readonly capabilities: CellCapabilities | null
  readonly capacities: CellCapacities | null
  /** By this cell's clock. */
  readonly lastSeenAtMs: number
}

export class ChildStates {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async list(): Promise<readonly ChildState[]> {
    const rows = await this.#db.selectFrom('cell_states').selectAll().execute()
    return rows.map(row => ({
      name: row.name,
      capabilities: row.capabilities_json === null ? null : fromJson(row.capabilities_json),
      capacities: row.capacities_json === null ? null : fromJson(row.capacities_json),
      lastSeenAtMs: row.last_seen_at,
    }))
  }

  async heard(
    name: string,
    told: { capabilities: CellCapabilities } | { capacities: CellCapacities },
    nowMs: number,
  ): Promise<void> {
    const row =
      'capabilities' in told
        ? { capabilities_json: JSON.stringify(told.capabilities) }
        : { capacities_json: JSON.stringify(told.capacities) }
    await upsert(this.#db, 'cell_states', { name, ...row, last_seen_at: nowMs }, ['name'])
  }
}
