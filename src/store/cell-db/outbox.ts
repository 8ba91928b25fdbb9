import { affected, among, insertIgnore, insertRows } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/** One message as it will be sent, written in the transaction of what it tells. */
export interface OutboxEvent {
  /** The server it is about: its events are sent in the order they were written. */
  readonly instanceId: string | null
  readonly projectId: string | null
  readonly format: 'versioned' | 'unversioned'
  readonly eventType: string
  readonly priority: string
  readonly message: string
  readonly createdAtMs: number
}

export interface WaitingEvent extends OutboxEvent {
  readonly number: number
}

/** There is one sender at a time. */
const sender = 'notifications'

/** Notifications that wait to be sent. */
export class Outbox {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** In the transaction of what they tell. */
  async add(events: readonly OutboxEvent[]): Promise<void> {
    const rows = events.map(event => ({
      instance_id: event.instanceId,
      project_id: event.projectId,
      format: event.format,
      event_type: event.eventType,
      priority: event.priority,
      message_json: event.message,
      created_at: event.createdAtMs,
    }))
    if (rows.length > 0) await insertRows(this.#db, 'outbox', rows)
  }

  /** Oldest first. */
  async first(limit: number): Promise<readonly WaitingEvent[]> {
    const rows = await this.#db.selectFrom('outbox').selectAll().orderBy('number').limit(limit).execute()
    return rows.map(row => ({
      number: row.number,
      instanceId: row.instance_id,
      projectId: row.project_id,
      format: row.format === 'versioned' ? 'versioned' : 'unversioned',
      eventType: row.event_type,
      priority: row.priority,
      message: row.message_json,
      createdAtMs: row.created_at,
    }))
  }

  async remove(numbers: readonly number[]): Promise<void> {
    if (numbers.length > 0) await this.#db.deleteFrom('outbox').where('number', 'in', among(numbers)).execute()
  }

  /** Leaves the newest; returns how many older ones are gone. */
  async trim(most: number): Promise<number> {
    const tooOld = await this.#db
      .selectFrom('outbox')
      .select('number')
      .orderBy('number', 'desc')
      .offset(most)
      .limit(1)
      .executeTakeFirst()
    if (tooOld === undefined) return 0
    return affected(await this.#db.deleteFrom('outbox').where('number', '<=', tooOld.number).executeTakeFirstOrThrow())
  }

  /** True when this owner is the one who sends until then. */
  async lease(owner: string, nowMs: number, untilMs: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('outbox_senders')
      .set({ owner, lease_until: untilMs })
      .where('name', '=', sender)
      .where(e => e.or([e('owner', '=', owner), e('lease_until', '<', nowMs)]))
      .executeTakeFirstOrThrow()
    if (affected(result) > 0) return true
    return insertIgnore(this.#db, 'outbox_senders', { name: sender, owner, lease_until: untilMs })
  }

  /** Somebody else may send at once. */
  async release(owner: string): Promise<void> {
    await this.#db.deleteFrom('outbox_senders').where('name', '=', sender).where('owner', '=', owner).execute()
  }
}
