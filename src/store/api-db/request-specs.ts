import type { RequestSpec } from '#model'
import { among, upsert } from '../engine/index.ts'
import { sharedJson } from '../shared-json.ts'
import type { Db } from '../tables.ts'

const specOf = sharedJson<RequestSpec>()

/** What was asked when a server was created; every later move starts from it. */
export class RequestSpecs {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  save(instanceId: string, spec: RequestSpec): Promise<void> {
    return upsert(this.#db, 'request_specs', { instance_id: instanceId, spec_json: JSON.stringify(spec) }, [
      'instance_id',
    ])
  }

  async find(instanceId: string): Promise<RequestSpec | undefined> {
    const row = await this.#db
      .selectFrom('request_specs')
      .select('spec_json')
      .where('instance_id', '=', instanceId)
      .executeTakeFirst()
    return row === undefined ? undefined : specOf(row.spec_json)
  }

  /** In one statement; servers without a stored spec are absent. */
  async ofMany(instanceIds: readonly string[]): Promise<ReadonlyMap<string, RequestSpec>> {
    if (instanceIds.length === 0) return new Map()
    const rows = await this.#db
      .selectFrom('request_specs')
      .selectAll()
      .where('instance_id', 'in', among(instanceIds))
      .execute()
    return new Map(rows.map(r => [r.instance_id, specOf(r.spec_json)]))
  }
}
