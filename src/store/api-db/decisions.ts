import type { Kysely } from 'kysely'
import { fromJson } from '#base'
import type { DecisionRecord } from '#model'
import { affected, insertRows } from '../engine/index.ts'
import type { Db } from '../tables.ts'

export async function schedulingDecisions({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createTable('scheduling_decisions')
    .addColumn('id', 'varchar(36)', c => c.primaryKey())
    .addColumn('request_id', 'varchar(255)')
    .addColumn('decided_at', 'bigint', c => c.notNull())
    .addColumn('record_json', 'text', c => c.notNull())
    .execute()
  await schema
    .createIndex('scheduling_decisions_request')
    .on('scheduling_decisions')
    .columns(['request_id', 'decided_at'])
    .execute()
  await schema.createIndex('scheduling_decisions_age').on('scheduling_decisions').columns(['decided_at']).execute()
  await schema
    .createTable('scheduling_decision_instances')
    .addColumn('decision_id', 'varchar(36)', c => c.notNull())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addPrimaryKeyConstraint('scheduling_decision_instances_key', ['instance_id', 'decision_id'])
    .execute()
  await schema
    .createIndex('scheduling_decision_instances_of')
    .on('scheduling_decision_instances')
    .columns(['decision_id'])
    .execute()
}

/** Records that one pruning removes. */
const rowsAtOnce = 200

/** What the scheduler decided, for people who ask why. Nothing in the house depends on a record being there. */
export class Decisions {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** For a transaction: a record without its servers would not be found by them. */
  async add(records: readonly DecisionRecord[]): Promise<void> {
    const rows = records.map(record => ({
      id: record.id,
      request_id: record.requestId,
      decided_at: record.atMs,
      record_json: JSON.stringify(record),
    }))
    await insertRows(this.#db, 'scheduling_decisions', rows)
    const servers = records.flatMap(record =>
      record.instanceIds.map(id => ({ decision_id: record.id, instance_id: id })),
    )
    await insertRows(this.#db, 'scheduling_decision_instances', servers)
  }

  /** Decisions of one request, or about one server, newest first. */
  async find(
    wanted: { requestId: string } | { instanceId: string },
    limit: number,
  ): Promise<readonly DecisionRecord[]> {
    const all = this.#db.selectFrom('scheduling_decisions').select('record_json')
    const some =
      'requestId' in wanted
        ? all.where('request_id', '=', wanted.requestId)
        : all.where('id', 'in', db =>
            db
              .selectFrom('scheduling_decision_instances')
              .select('decision_id')
              .where('instance_id', '=', wanted.instanceId),
          )
    const rows = await some.orderBy('decided_at', 'desc').limit(limit).execute()
    return rows.map(row => fromJson<DecisionRecord>(row.record_json))
  }

  /** Removes some records from before a time; true when there may be more. For a transaction. */
  async prune(beforeMs: number): Promise<boolean> {
    const old = await this.#db
      .selectFrom('scheduling_decisions')
      .select('id')
      .where('decided_at', '<', beforeMs)
      .orderBy('decided_at')
      .limit(rowsAtOnce)
      .execute()
    if (old.length === 0) return false
    const ids = old.map(row => row.id)
    await this.#db.deleteFrom('scheduling_decision_instances').where('decision_id', 'in', ids).execute()
    const gone = await this.#db.deleteFrom('scheduling_decisions').where('id', 'in', ids).executeTakeFirstOrThrow()
    return affected(gone) === rowsAtOnce
  }
}
