import type { RequestSpec } from '#model'
import { affected, among } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import { RequestSpecs } from './request-specs.ts'

/**
 * Request specs in a database that is the API's alone, where they were before there were cells. Only for such a database: in
 * one that is a cell's too the table is the cell's.
 */
export class OldRequestSpecs {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async ids(limit: number): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('request_specs')
      .select('instance_id')
      .orderBy('instance_id')
      .limit(limit)
      .execute()
    return rows.map(row => row.instance_id)
  }

  find(id: string): Promise<RequestSpec | undefined> {
    return new RequestSpecs(this.#db).find(id)
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0
    const result = await this.#db
      .deleteFrom('request_specs')
      .where('instance_id', 'in', among(ids))
      .executeTakeFirstOrThrow()
    return affected(result)
  }
}
