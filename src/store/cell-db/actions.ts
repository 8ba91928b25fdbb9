import type { Insertable, Selectable } from 'kysely'
import { prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { CellTables } from './schema.ts'

export interface InstanceAction {
  readonly number: number
  readonly instanceId: string
  readonly action: string
  readonly requestId: string
  readonly userId: string | null
  readonly projectId: string | null
  readonly startAtMs: number
  readonly updatedAtMs: number | null
  /** Null, or `Error` once an event of it failed. */
  readonly message: string | null
}

export interface ActionEvent {
  readonly event: string
  readonly startAtMs: number
  readonly finishAtMs: number | null
  readonly result: string | null
  readonly traceback: string | null
  readonly host: string | null
  readonly details: string | null
}

/** Part of an action that nobody is going to end. */
export interface LostEvent {
  readonly instanceId: string
  readonly requestId: string
  readonly projectId: string | null
  readonly event: string
  readonly startAtMs: number
}

export interface ActionQuery {
  readonly limit?: number
  /** Request id of the last action of the previous page. */
  readonly marker?: string
  readonly changedSinceMs?: number
  readonly changedBeforeMs?: number
}

const fromRow = (row: Selectable<CellTables['instance_actions']>): InstanceAction => ({
  number: row.number,
  instanceId: row.instance_id,
  action: row.action,
  requestId: row.request_id,
  userId: row.user_id,
  projectId: row.project_id,
  startAtMs: row.start_at,
  updatedAtMs: row.updated_at,
  message: row.message,
})

const insertAction = prepared((db: Db, row: Insertable<CellTables['instance_actions']>) =>
  db.insertInto('instance_actions').values(row),
)

const insertEvent = prepared((db: Db, row: Insertable<CellTables['instance_action_events']>) =>
  db.insertInto('instance_action_events').values(row),
)

const numberOf = prepared((db: Db, { instanceId, requestId }: { instanceId: string; requestId: string }) =>
  db
    .selectFrom('instance_actions')
    .select('number')
    .where('instance_id', '=', instanceId)
    .where('request_id', '=', requestId)
    .orderBy('number', 'desc'),
)

const touch = prepared((db: Db, { action, nowMs }: { action: number; nowMs: number }) =>
  db.updateTable('instance_actions').set({ updated_at: nowMs }).where('number', '=', action),
)

const closeEvent = prepared(
  (
    db: Db,
    v: { action: number; event: string; nowMs: number; result: string } & Record<
      'traceback' | 'details',
      string | null
    >,
  ) =>
    db
      .updateTable('instance_action_events')
      .set({ finish_at: v.nowMs, result: v.result, traceback: v.traceback, details: v.details })
      .where('action_number', '=', v.action)
      .where('event', '=', v.event)
      .where('finish_at', 'is', null),
)

/** The log of what was asked of a server, and the events of each action. */
export class Actions {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async start(action: Omit<InstanceAction, 'number' | 'updatedAtMs' | 'message'>): Promise<void> {
    await insertAction(this.#db, {
      instance_id: action.instanceId,
      action: action.action,
      request_id: action.requestId,
      user_id: action.userId,
      project_id: action.projectId,
      start_at: action.startAtMs,
      updated_at: null,
      message: null,
      deleted: 0,
    })
  }

  /** Opens an event of the action of that request; no action, no event. */
  async startEvent(at: {
    instanceId: string
    requestId: string
    event: string
    host: string | null
    nowMs: number
  }): Promise<void> {
    const action = await this.#number(at.instanceId, at.requestId)
    if (action === undefined) return
    await insertEvent(this.#db, {
      action_number: action,
      event: at.event,
      start_at: at.nowMs,
      finish_at: null,
      result: null,
      traceback: null,
      host: at.host,
      details: null,
    })
    await touch(this.#db, { action, nowMs: at.nowMs })
  }

  /** Closes the open event of that name; with `failure` the action is marked as an error. */
  async finishEvent(at: {
    instanceId: string
    requestId: string
    event: string
    nowMs: number
    failure?: { details: string; traceback: string | null }
  }): Promise<void> {
    const action = await this.#number(at.instanceId, at.requestId)
    if (action === undefined) return
    const { event, nowMs, failure } = at
    const traceback = failure?.traceback ?? null
    const details = failure?.details ?? null
    const result = failure === undefined ? 'Success' : 'Error'
    await closeEvent(this.#db, { action, event, nowMs, result, traceback, details })
    await touch(this.#db, { action, nowMs })
    if (failure === undefined) return
    await this.#db.updateTable('instance_actions').set({ message: 'Error' }).where('number', '=', action).execute()
  }

  /**
   * The action has failed: what is open of it ends as an error, and one that has no event at all gets this one. Closed
   * events stay as they are.
   */
  async conclude(at: {
    instanceId: string
    requestId: string
    event: string
    nowMs: number
    details: string
    traceback: string
  }): Promise<void> {
    const action = await this.#number(at.instanceId, at.requestId)
    if (action === undefined) return
    const { event, nowMs, details, traceback } = at
    const end = { finish_at: nowMs, result: 'Error', details, traceback }
    await this.#db
      .updateTable('instance_action_events')
      .set(end)
      .where('action_number', '=', action)
      .where('finish_at', 'is', null)
      .execute()
    const known = await this.#db
      .selectFrom('instance_action_events')
      .select('number')
      .where('action_number', '=', action)
      .limit(1)
      .execute()
    if (known.length === 0)
      await insertEvent(this.#db, { action_number: action, event, start_at: nowMs, host: null, ...end })
    await this.#db
      .updateTable('instance_actions')
      .set({ message: 'Error', updated_at: nowMs })
      .where('number', '=', action)
      .execute()
  }

  /** Events that began before this time and never ended, and no open saga of the server that could end them. */
  async lost(beforeMs: number, limit: number): Promise<readonly LostEvent[]> {
    const rows = await this.#db
      .selectFrom('instance_action_events as event')
      .innerJoin('instance_actions as action', 'action.number', 'event.action_number')
      .select(['action.instance_id', 'action.request_id', 'action.project_id', 'event.event', 'event.start_at'])
      .where('event.finish_at', 'is', null)
      .where('event.start_at', '<', beforeMs)
      .where(e =>
        e.not(
          e.exists(
            e
              .selectFrom('sagas')
              .select('sagas.id')
              .whereRef('sagas.instance_id', '=', 'action.instance_id')
              .where('sagas.status', '=', 'open'),
          ),
        ),
      )
      .limit(limit)
      .execute()
    return rows.map(row => ({
      instanceId: row.instance_id,
      requestId: row.request_id,
      projectId: row.project_id,
      event: row.event,
      startAtMs: row.start_at,
    }))
  }

  async #number(instanceId: string, requestId: string): Promise<number | undefined> {
    return (await numberOf(this.#db, { instanceId, requestId })).rows[0]?.number
  }

  /** Newest first. Undefined: the marker does not exist. */
  async list(instanceId: string, query: ActionQuery = {}): Promise<readonly InstanceAction[] | undefined> {
    let select = this.#db
      .selectFrom('instance_actions')
      .selectAll()
      .where('instance_id', '=', instanceId)
      .orderBy('number', 'desc')
    if (query.marker !== undefined) {
      const marker = await this.#number(instanceId, query.marker)
      if (marker === undefined) return undefined
      select = select.where('number', '<', marker)
    }
    const { changedSinceMs, changedBeforeMs } = query
    if (changedSinceMs !== undefined)
      select = select.where(e => e(e.fn.coalesce('updated_at', 'start_at'), '>=', changedSinceMs))
    if (changedBeforeMs !== undefined)
      select = select.where(e => e(e.fn.coalesce('updated_at', 'start_at'), '<=', changedBeforeMs))
    if (query.limit !== undefined) select = select.limit(query.limit)
    return (await select.execute()).map(fromRow)
  }

  async find(instanceId: string, requestId: string): Promise<InstanceAction | undefined> {
    const row = await this.#db
      .selectFrom('instance_actions')
      .selectAll()
      .where('instance_id', '=', instanceId)
      .where('request_id', '=', requestId)
      .orderBy('number', 'desc')
      .executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  async events(action: InstanceAction): Promise<readonly ActionEvent[]> {
    const rows = await this.#db
      .selectFrom('instance_action_events')
      .selectAll()
      .where('action_number', '=', action.number)
      .orderBy('number', 'desc')
      .execute()
    return rows.map(row => ({
      event: row.event,
      startAtMs: row.start_at,
      finishAtMs: row.finish_at,
      result: row.result,
      traceback: row.traceback,
      host: row.host,
      details: row.details,
    }))
  }
}
