import type { AggregateView } from '#model'
import type { Db } from '../tables.ts'

export interface Aggregate extends AggregateView {
  readonly hosts: readonly string[]
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

/** Host aggregates; an availability zone is the value of their metadata `availability_zone`. */
export class Aggregates {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async list(): Promise<readonly Aggregate[]> {
    const rows = await this.#db.selectFrom('aggregates').selectAll().orderBy('number').execute()
    if (rows.length === 0) return []
    const hosts = await this.#db.selectFrom('aggregate_hosts').selectAll().orderBy('host').execute()
    const metadata = await this.#db.selectFrom('aggregate_metadata').selectAll().orderBy('name').execute()
    return rows.map(row => ({
      id: row.number,
      uuid: row.uuid,
      name: row.name,
      metadata: Object.fromEntries(metadata.filter(m => m.aggregate_number === row.number).map(m => [m.name, m.value])),
      hosts: hosts.filter(h => h.aggregate_number === row.number).map(h => h.host),
      createdAtMs: row.created_at,
      updatedAtMs: row.updated_at,
    }))
  }

  /** Zone by host, for the hosts that are in a zone aggregate. */
  async zones(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#db
      .selectFrom('aggregate_metadata')
      .innerJoin('aggregate_hosts', 'aggregate_hosts.aggregate_number', 'aggregate_metadata.aggregate_number')
      .select(['aggregate_hosts.host', 'aggregate_metadata.value'])
      .where('aggregate_metadata.name', '=', 'availability_zone')
      .execute()
    return new Map(rows.map(r => [r.host, r.value]))
  }
}
