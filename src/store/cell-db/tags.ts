import { affected, among, insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'

/** Tags of servers; sorted, unique per server. */
export class Tags {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** One statement for any number of servers; servers without tags are absent from the map. */
  async ofMany(instanceIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, string[]>()
    if (instanceIds.length === 0) return found
    const rows = await this.#db
      .selectFrom('instance_tags')
      .selectAll()
      .where('instance_id', 'in', among(instanceIds))
      .orderBy('tag')
      .execute()
    for (const { instance_id, tag } of rows) {
      const tags = found.get(instance_id)
      if (tags === undefined) found.set(instance_id, [tag])
      else tags.push(tag)
    }
    return found
  }

  async of(instanceId: string): Promise<readonly string[]> {
    return (await this.ofMany([instanceId])).get(instanceId) ?? []
  }

  /** False when it was there. */
  add(instanceId: string, tag: string): Promise<boolean> {
    return insertIgnore(this.#db, 'instance_tags', { instance_id: instanceId, tag })
  }

  /** False when it was not there. */
  async remove(instanceId: string, tag: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('instance_tags')
      .where('instance_id', '=', instanceId)
      .where('tag', '=', tag)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** Call in a transaction. */
  async replace(instanceId: string, tags: readonly string[]): Promise<void> {
    await this.#db.deleteFrom('instance_tags').where('instance_id', '=', instanceId).execute()
    for (const tag of tags) await this.add(instanceId, tag)
  }
}
