import { fromJson } from '#base'
import type { FarReply } from '#model'
import { affected, insertIgnore } from '../../engine/index.ts'
import type { Db } from '../../tables.ts'

/** A request of another cell that this cell has begun. */
export interface KeptRequest {
  readonly id: string
  readonly requestId: string
  readonly owner: string
  readonly leaseUntilMs: number
  readonly begunAtMs: number
  /** Undefined: not answered yet. */
  readonly reply: FarReply | undefined
}

/**
 * Requests by their ids, so that each is carried out once however often its message comes. Whoever carries one out holds
 * a lease and renews it; when that has run out, another may take the request over.
 */
export class KeptRequests {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** False: somebody has begun it. */
  begin(request: Omit<KeptRequest, 'reply'>): Promise<boolean> {
    return insertIgnore(this.#db, 'kept_requests', {
      id: request.id,
      request_id: request.requestId,
      owner: request.owner,
      lease_until: request.leaseUntilMs,
      begun_at: request.begunAtMs,
      reply_json: null,
      answered_at: null,
    })
  }

  async find(id: string): Promise<KeptRequest | undefined> {
    const row = await this.#db.selectFrom('kept_requests').selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined) return undefined
    return {
      id,
      requestId: row.request_id,
      owner: row.owner,
      leaseUntilMs: row.lease_until,
      begunAtMs: row.begun_at,
      reply: row.reply_json === null ? undefined : fromJson(row.reply_json),
    }
  }

  /** False: somebody else was faster, or has answered it. */
  async takeOver(before: KeptRequest, owner: string, leaseUntilMs: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('kept_requests')
      .set({ owner, lease_until: leaseUntilMs })
      .where('id', '=', before.id)
      .where('owner', '=', before.owner)
      .where('lease_until', '=', before.leaseUntilMs)
      .where('reply_json', 'is', null)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** False: it is not this owner's any more. */
  async renew(id: string, owner: string, leaseUntilMs: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('kept_requests')
      .set({ lease_until: leaseUntilMs })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** False: it is not this owner's any more. */
  async answer(id: string, owner: string, reply: FarReply, nowMs: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('kept_requests')
      .set({ reply_json: JSON.stringify(reply), answered_at: nowMs })
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** In the transaction of what the request does: nobody else has taken it over. */
  async isHeldBy(id: string, owner: string): Promise<boolean> {
    const row = await this.#db.selectFrom('kept_requests').select('owner').where('id', '=', id).executeTakeFirst()
    return row?.owner === owner
  }

  /** It was not carried out at all: the next one begins it anew. */
  async forget(id: string, owner: string): Promise<void> {
    await this.#db.deleteFrom('kept_requests').where('id', '=', id).where('owner', '=', owner).execute()
  }

  /** Nobody asks for these again. */
  async forgetBegunBefore(ms: number): Promise<void> {
    await this.#db.deleteFrom('kept_requests').where('begun_at', '<', ms).execute()
  }
}
