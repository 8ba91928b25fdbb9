import { fromJson } from '#base'
import type { LaunchSecret } from '#model'
import { upsert } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/**
 * Secrets of servers that are being built, rebuilt, rescued or given a password, at most one row each: written in the
 * transaction that accepts the work, gone in the one that ends it. The database may keep a deleted row's bytes until it writes over them; its files are therefore
 * for Nova's own user only.
 */
export class LaunchSecrets {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async keep(instanceId: string, secret: LaunchSecret): Promise<void> {
    const row = { instance_id: instanceId, secret_json: JSON.stringify(secret) }
    await upsert(this.#db, 'launch_secrets', row, ['instance_id'])
  }

  async find(instanceId: string): Promise<LaunchSecret | undefined> {
    const row = await this.#db
      .selectFrom('launch_secrets')
      .select('secret_json')
      .where('instance_id', '=', instanceId)
      .executeTakeFirst()
    return row === undefined ? undefined : fromJson(row.secret_json)
  }

  /** Nothing there: nothing to do. */
  async forget(instanceId: string): Promise<void> {
    await this.#db.deleteFrom('launch_secrets').where('instance_id', '=', instanceId).execute()
  }
}
