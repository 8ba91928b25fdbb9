import { affected, among, insertRows } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import { hasNoOpenSaga } from './open-sagas.ts'
import type { CellTables } from './schema.ts'
import { serverTables } from './server-tables.ts'

/** Rows by table. */
export type RowCounts = Readonly<Record<string, number>>

type Row = Readonly<Record<string, unknown>>

/** The rest of what is known of a server, beside what goes wherever it goes. */
const ownTables = [...serverTables, 'migrations'] as const
type OwnTable = (typeof ownTables)[number] | 'instance_actions' | 'instances'

/** What opens a guest is not kept. */
const isSecret = (table: OwnTable): boolean => table === 'launch_secrets'

/** Rows that nobody needs any more: Nova's shadow tables, in one table. */
export class Archive {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Deleted servers whose work has ended, oldest first; with a time those that were deleted before it. */
  async deletedServers(limit: number, beforeMs?: number): Promise<readonly string[]> {
    const select = this.#db
      .selectFrom('instances')
      .select('id')
      .where('deleted', '>', 0)
      .where(hasNoOpenSaga)
      .orderBy('number')
      .limit(limit)
    const rows = await (beforeMs === undefined ? select : select.where('deleted_at', '<', beforeMs)).execute()
    return rows.map(row => row.id)
  }

  /** In a transaction: these servers, which are deleted, with all that is said of them. How many rows of each table. */
  async servers(ids: readonly string[]): Promise<RowCounts> {
    if (ids.length === 0) return {}
    const instances = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('id', 'in', among(ids))
      .where('deleted', '>', 0)
      .execute()
    const stamps = new Map(instances.map(row => [row.id, Number(row.deleted_at ?? 0)]))
    const counts: Record<string, number> = {}
    if (stamps.size === 0) return counts
    const gone = [...stamps.keys()]
    const actions = await this.#rowsOf('instance_actions', gone)
    const numbers = actions.map(action => Number(action['number']))
    const owners = new Map(actions.map(action => [Number(action['number']), String(action['instance_id'])]))
    const events =
      numbers.length === 0
        ? []
        : await this.#db
            .selectFrom('instance_action_events')
            .selectAll()
            .where('action_number', 'in', among(numbers))
            .execute()
    await this.#keep('instance_action_events', events, row => owners.get(Number(row['action_number'])), stamps, counts)
    if (numbers.length > 0)
      await this.#db.deleteFrom('instance_action_events').where('action_number', 'in', among(numbers)).execute()
    await this.#move('instance_actions', actions, gone, stamps, counts)
    for (const table of ownTables) await this.#move(table, await this.#rowsOf(table, gone), gone, stamps, counts)
    await this.#keep('instances', instances, row => String(row['id']), stamps, counts)
    await this.#db.deleteFrom('instances').where('id', 'in', among(gone)).where('deleted', '>', 0).execute()
    return counts
  }

  /** In a transaction: runs of the usage audit. They are never deleted, so all are taken, or those of before. */
  async taskLog(limit: number, beforeMs?: number): Promise<RowCounts> {
    const select = this.#db.selectFrom('task_log').selectAll().orderBy('number').limit(limit)
    const rows = await (beforeMs === undefined ? select : select.where('period_ending', '<', beforeMs)).execute()
    if (rows.length === 0) return {}
    const shadows = rows.map(row => ({
      table_name: 'task_log',
      instance_id: null,
      stamped_at: Number(row.period_ending),
      row_json: JSON.stringify(row),
    }))
    await insertRows(this.#db, 'shadow_rows', shadows)
    const numbers = rows.map(row => row.number)
    await this.#db.deleteFrom('task_log').where('number', 'in', among(numbers)).execute()
    return { task_log: rows.length }
  }

  /** Forgets what was archived, or what became history before this time. How many rows of each table. */
  async purge(beforeMs?: number): Promise<RowCounts> {
    const tables = await this.#db.selectFrom('shadow_rows').select('table_name').distinct().execute()
    const counts: Record<string, number> = {}
    for (const { table_name: table } of tables) {
      const all = this.#db.deleteFrom('shadow_rows').where('table_name', '=', table)
      const some = beforeMs === undefined ? all : all.where('stamped_at', '<', beforeMs)
      const rows = affected(await some.executeTakeFirstOrThrow())
      if (rows > 0) counts[table] = rows
    }
    return counts
  }

  async #rowsOf(table: OwnTable, ids: readonly string[]): Promise<readonly Row[]> {
    const column = table === 'instances' ? 'id' : 'instance_id'
    return this.#db
      .selectFrom(table)
      .selectAll()
      .where(column as 'instance_id', 'in', among(ids))
      .execute() as Promise<readonly Row[]>
  }

  async #move(
    table: Exclude<OwnTable, 'instances'>,
    rows: readonly Row[],
    ids: readonly string[],
    stamps: ReadonlyMap<string, number>,
    counts: Record<string, number>,
  ): Promise<void> {
    if (rows.length === 0) return
    if (!isSecret(table)) await this.#keep(table, rows, row => String(row['instance_id']), stamps, counts)
    await this.#db.deleteFrom(table).where('instance_id', 'in', among(ids)).execute()
  }

  async #keep(
    table: keyof CellTables,
    rows: readonly Row[],
    ownerOf: (row: Row) => string | undefined,
    stamps: ReadonlyMap<string, number>,
    counts: Record<string, number>,
  ): Promise<void> {
    if (rows.length === 0) return
    const shadows = rows.map(row => {
      const owner = ownerOf(row) ?? null
      return {
        table_name: table,
        instance_id: owner,
        stamped_at: stamps.get(owner ?? '') ?? 0,
        row_json: JSON.stringify(row),
      }
    })
    await insertRows(this.#db, 'shadow_rows', shadows)
    counts[table] = (counts[table] ?? 0) + rows.length
  }
}
