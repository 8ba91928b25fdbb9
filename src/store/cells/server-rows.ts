import type { Selectable } from 'kysely'
import { type InstanceId, instanceId } from '#base'
import type { CellTables } from '../cell-db/schema.ts'
import { type ServerTable, serverTables } from '../cell-db/server-tables.ts'
import { insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'

type Row = Readonly<Record<string, unknown>>

interface ActionRows {
  readonly action: Row
  readonly events: readonly Row[]
}

/** All that a cell's database says of one server, without its sagas and moves; to be carried to another cell's. */
export interface ServerRows {
  readonly id: InstanceId
  readonly instance: Selectable<CellTables['instances']>
  readonly plain: Readonly<Record<ServerTable, readonly Row[]>>
  readonly actions: readonly ActionRows[]
}

/** `deleted` of a copy that nobody sees: the server lives in another cell, or is about to live in this one. */
const hidden = -1

/** Numbers are the database's own. */
const unnumbered = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(([column]) => column !== 'number'))

/** Carries servers between the databases of two cells. */
export class ServerCarrier {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Undefined where there is no such server, or a hidden copy only. */
  async read(id: string): Promise<ServerRows | undefined> {
    const instance = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('id', '=', id)
      .where('deleted', '>=', 0)
      .executeTakeFirst()
    if (instance === undefined) return undefined
    const rows: Partial<Record<ServerTable, readonly Row[]>> = {}
    for (const table of serverTables) rows[table] = await this.#rowsOf(table, id)
    const actions = await this.#db
      .selectFrom('instance_actions')
      .selectAll()
      .where('instance_id', '=', id)
      .orderBy('number')
      .execute()
    const told: ActionRows[] = []
    for (const action of actions) {
      const events = await this.#db
        .selectFrom('instance_action_events')
        .selectAll()
        .where('action_number', '=', action.number)
        .orderBy('number')
        .execute()
      told.push({ action, events })
    }
    return { id: instanceId(id), instance, plain: rows as ServerRows['plain'], actions: told }
  }

  /** In a transaction: a copy that nobody sees. False where there is one, hidden or not. */
  async writeHidden(rows: ServerRows): Promise<boolean> {
    const instance = { ...unnumbered(rows.instance as unknown as Row), deleted: hidden }
    if (!(await insertIgnore(this.#db, 'instances', instance as never))) return false
    for (const table of serverTables) for (const row of rows.plain[table]) await this.#insert(table, row)
    for (const { action, events } of rows.actions) {
      const written = await this.#insert('instance_actions', action)
      for (const event of events) await this.#insert('instance_action_events', { ...event, action_number: written })
    }
    return true
  }

  /** In a transaction: until it ends nobody else changes the server's row. */
  async keep(id: string): Promise<void> {
    await this.#db
      .updateTable('instances')
      .set(e => ({ deleted: e.ref('deleted') }))
      .where('id', '=', id)
      .execute()
  }

  /** The copy is the server from now on. */
  async show(id: string): Promise<void> {
    await this.#db
      .updateTable('instances')
      .set({ deleted: 0 })
      .where('id', '=', id)
      .where('deleted', '=', hidden)
      .execute()
  }

  async isHidden(id: string): Promise<boolean> {
    const row = await this.#db.selectFrom('instances').select('deleted').where('id', '=', id).executeTakeFirst()
    return row !== undefined && Number(row.deleted) === hidden
  }

  /** The server lives in another cell from now on: its rows stay, and nobody sees them. */
  async hide(id: string): Promise<void> {
    await this.#db.updateTable('instances').set({ deleted: hidden }).where('id', '=', id).execute()
  }

  /** In a transaction: nothing of it is left here, but the history of its moves. */
  async remove(id: string): Promise<void> {
    const numbers = this.#db.selectFrom('instance_actions').select('number').where('instance_id', '=', id)
    await this.#db.deleteFrom('instance_action_events').where('action_number', 'in', numbers).execute()
    await this.#db.deleteFrom('instance_actions').where('instance_id', '=', id).execute()
    for (const table of serverTables) await this.#db.deleteFrom(table).where('instance_id', '=', id).execute()
    await this.#db.deleteFrom('instances').where('id', '=', id).execute()
  }

  async #rowsOf(table: ServerTable, id: string): Promise<readonly Row[]> {
    const rows: readonly Row[] = await this.#db.selectFrom(table).selectAll().where('instance_id', '=', id).execute()
    return rows.toSorted((a, b) => Number(a['number'] ?? 0) - Number(b['number'] ?? 0))
  }

  /** The number that the database gave it. */
  async #insert(table: ServerTable | 'instance_actions' | 'instance_action_events', row: Row): Promise<number> {
    const written = await this.#db
      .insertInto(table)
      .values(unnumbered(row) as never)
      .executeTakeFirstOrThrow()
    return Number(written.insertId ?? 0)
  }
}
