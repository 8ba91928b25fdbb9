import { newUuid } from '#base'
import type { AggregateView } from '#model'
import { marked } from '../cell-db/host-marks.ts'
import { affected, insertIgnore, prepared, upsert } from '../engine/index.ts'
import type { Db } from '../tables.ts'

export interface Aggregate extends AggregateView {
  readonly hosts: readonly string[]
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

const zonesOfHosts = prepared((db: Db) =>
  db
    .selectFrom('aggregate_metadata')
    .innerJoin('aggregate_hosts', 'aggregate_hosts.aggregate_number', 'aggregate_metadata.aggregate_number')
    .select(['aggregate_hosts.host', 'aggregate_metadata.value'])
    .where('aggregate_metadata.name', '=', 'availability_zone'),
)

const metadataKey = ['aggregate_number', 'name'] as const

/** Host aggregates; an availability zone is the value of their metadata `availability_zone`. */
export class Aggregates {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async list(): Promise<readonly Aggregate[]> {
    const rows = await this.#db.selectFrom('aggregates').selectAll().orderBy('number').execute()
    if (rows.length === 0) return []
    const hosts = Map.groupBy(
      await this.#db.selectFrom('aggregate_hosts').selectAll().orderBy('host').execute(),
      h => h.aggregate_number,
    )
    const metadata = Map.groupBy(
      await this.#db.selectFrom('aggregate_metadata').selectAll().orderBy('name').execute(),
      m => m.aggregate_number,
    )
    return rows.map(row => ({
      id: row.number,
      uuid: row.uuid,
      name: row.name,
      metadata: Object.fromEntries((metadata.get(row.number) ?? []).map(m => [m.name, m.value])),
      hosts: (hosts.get(row.number) ?? []).map(h => h.host),
      createdAtMs: row.created_at,
      updatedAtMs: row.updated_at,
    }))
  }

  /** Zone by host, for the hosts that are in a zone aggregate. */
  async zones(): Promise<ReadonlyMap<string, string>> {
    const { rows } = await zonesOfHosts(this.#db, {})
    return new Map(rows.map(r => [r.host, r.value]))
  }

  async find(id: number): Promise<Aggregate | undefined> {
    return (await this.list()).find(aggregate => aggregate.id === id)
  }

  /** Undefined when the name is taken. */
  create(name: string, zone: string | null, nowMs: number): Promise<Aggregate | undefined> {
    return this.#marked(async db => {
      const row = { uuid: newUuid(), name, created_at: nowMs, updated_at: null }
      if (!(await insertIgnore(db, 'aggregates', row))) return undefined
      const made = await db.selectFrom('aggregates').selectAll().where('uuid', '=', row.uuid).executeTakeFirstOrThrow()
      const metadata: Record<string, string> = {}
      if (zone !== null) {
        const key = 'availability_zone'
        metadata[key] = zone
        const entry = { aggregate_number: made.number, name: key, value: zone }
        await upsert(db, 'aggregate_metadata', entry, metadataKey)
      }
      const { number: id, uuid } = made
      return { id, uuid, name, metadata, hosts: [], createdAtMs: nowMs, updatedAtMs: null }
    })
  }

  /** False when another aggregate has the name. Call in a transaction: check and change are two statements. */
  async rename(id: number, name: string, nowMs: number): Promise<boolean> {
    const taken = await this.#db
      .selectFrom('aggregates')
      .select('number')
      .where('name', '=', name)
      .where('number', '!=', id)
      .executeTakeFirst()
    if (taken !== undefined) return false
    await this.#marked(db => touch(db, id, { name, updated_at: nowMs }))
    return true
  }

  /** Adds and replaces; null removes a key. Keys that are not named stay. */
  setMetadata(id: number, changes: Readonly<Record<string, string | null>>, nowMs: number): Promise<void> {
    return this.#marked(async db => {
      for (const [name, value] of Object.entries(changes)) {
        if (value !== null) {
          await upsert(db, 'aggregate_metadata', { aggregate_number: id, name, value }, metadataKey)
          continue
        }
        await db.deleteFrom('aggregate_metadata').where('aggregate_number', '=', id).where('name', '=', name).execute()
      }
      await touch(db, id, { updated_at: nowMs })
    })
  }

  /** False when the host is in it already. */
  addHost(id: number, host: string): Promise<boolean> {
    return this.#marked(db => insertIgnore(db, 'aggregate_hosts', { aggregate_number: id, host }))
  }

  /** False when the host was not in it. */
  async removeHost(id: number, host: string): Promise<boolean> {
    const result = await this.#marked(db =>
      db
        .deleteFrom('aggregate_hosts')
        .where('aggregate_number', '=', id)
        .where('host', '=', host)
        .executeTakeFirstOrThrow(),
    )
    return affected(result) > 0
  }

  /** For a host that goes for good. */
  async forgetHost(host: string): Promise<void> {
    await this.#marked(db => db.deleteFrom('aggregate_hosts').where('host', '=', host).execute())
  }

  delete(id: number): Promise<void> {
    return this.#marked(async db => {
      await db.deleteFrom('aggregate_hosts').where('aggregate_number', '=', id).execute()
      await db.deleteFrom('aggregate_metadata').where('aggregate_number', '=', id).execute()
      await db.deleteFrom('aggregates').where('number', '=', id).execute()
    })
  }

  #marked<T>(change: (db: Db) => Promise<T>): Promise<T> {
    return marked(this.#db, 'aggregates', change)
  }
}

async function touch(db: Db, id: number, change: { name?: string; updated_at: number }): Promise<void> {
  await db.updateTable('aggregates').set(change).where('number', '=', id).execute()
}
