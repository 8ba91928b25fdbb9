import type { Selectable } from 'kysely'
import { KeypairExists, KeypairNotFound } from '#model'
import { affected, insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { ApiTables } from './schema.ts'

export interface Keypair {
  readonly number: number
  readonly userId: string
  readonly name: string
  readonly type: string
  readonly publicKey: string
  readonly fingerprint: string
  readonly createdAtMs: number
}

const fromRow = (row: Selectable<ApiTables['key_pairs']>): Keypair => ({
  number: row.number,
  userId: row.user_id,
  name: row.name,
  type: row.type,
  publicKey: row.public_key,
  fingerprint: row.fingerprint,
  createdAtMs: row.created_at,
})

/** Public keys by user; names are unique per user. */
export class Keypairs {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async create(key: Omit<Keypair, 'number'>): Promise<Keypair> {
    const inserted = await insertIgnore(this.#db, 'key_pairs', {
      user_id: key.userId,
      name: key.name,
      type: key.type,
      public_key: key.publicKey,
      fingerprint: key.fingerprint,
      created_at: key.createdAtMs,
    })
    if (!inserted) throw KeypairExists({ name: key.name })
    return this.get(key.userId, key.name)
  }

  async get(userId: string, name: string): Promise<Keypair> {
    const row = await this.#db
      .selectFrom('key_pairs')
      .selectAll()
      .where('user_id', '=', userId)
      .where('name', '=', name)
      .executeTakeFirst()
    if (row === undefined) throw KeypairNotFound({ name, userId })
    return fromRow(row)
  }

  /** By name; `marker` is the name after which the page starts and must exist. */
  async list(userId: string, page: { limit?: number; marker?: string } = {}): Promise<readonly Keypair[]> {
    let select = this.#db.selectFrom('key_pairs').selectAll().where('user_id', '=', userId).orderBy('name')
    if (page.marker !== undefined) {
      await this.get(userId, page.marker)
      select = select.where('name', '>', page.marker)
    }
    if (page.limit !== undefined) select = select.limit(page.limit)
    return (await select.execute()).map(fromRow)
  }

  async count(userId: string): Promise<number> {
    const row = await this.#db
      .selectFrom('key_pairs')
      .select(e => e.fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow()
    return row.count
  }

  async delete(userId: string, name: string): Promise<void> {
    const result = await this.#db
      .deleteFrom('key_pairs')
      .where('user_id', '=', userId)
      .where('name', '=', name)
      .executeTakeFirstOrThrow()
    if (affected(result) === 0) throw KeypairNotFound({ name, userId })
  }
}
