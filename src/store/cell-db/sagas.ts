import type { Insertable, Selectable } from 'kysely'
import { fromJson } from '#base'
import { affected, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { CellTables } from './schema.ts'

/** A saga to be run; written in the transaction that accepts the request. */
export interface NewSaga {
  readonly id: string
  readonly name: string
  readonly instanceId: string | null
  readonly input: unknown
  /** Starts only after this one has ended. */
  readonly waitsFor?: string | null
  /** Not before this time, unless `release` says so earlier: whoever accepts it still has something to do. */
  readonly heldUntilMs?: number
}

/** Shape of the journal as far as the store is concerned: it is carried. */
export interface StoredSaga<J> {
  readonly id: string
  readonly name: string
  readonly instanceId: string | null
  readonly isCancelled: boolean
  readonly generation: number
  readonly input: unknown
  readonly journal: J
}

type WriteResult = 'ok' | 'cancelled' | 'lost'

interface Ownership {
  readonly id: string
  readonly owner: string
  readonly generation: number
}

const byId = prepared((db: Db, { id }: { id: string }) => db.selectFrom('sagas').selectAll().where('id', '=', id))

const insert = prepared((db: Db, row: Insertable<CellTables['sagas']>) => db.insertInto('sagas').values(row))

const claimIt = prepared((db: Db, v: Ownership & { next: number; leaseUntil: number }) =>
  db
    .updateTable('sagas')
    .set({ owner: v.owner, lease_until: v.leaseUntil, generation: v.next })
    .where('id', '=', v.id)
    .where('status', '=', 'open')
    .where('generation', '=', v.generation),
)

type JournalWrite = Ownership & { readonly next: number; readonly journal: string }

const writeJournal = (db: Db, v: JournalWrite) =>
  db
    .updateTable('sagas')
    .set({ journal_json: v.journal, generation: v.next })
    .where('id', '=', v.id)
    .where('owner', '=', v.owner)
    .where('generation', '=', v.generation)
    .where('status', '=', 'open')

const writeUnlessCancelled = prepared((db: Db, v: JournalWrite) => writeJournal(db, v).where('is_cancelled', '=', 0))

const endIt = prepared((db: Db, v: JournalWrite & { status: string; nowMs: number }) =>
  writeJournal(db, v).set({ status: v.status, owner: null, lease_until: 0, updated_at: v.nowMs }),
)

const waitingFor = prepared((db: Db, { id }: { id: string }) =>
  db.selectFrom('sagas').select('id').where('waits_for', '=', id).where('status', '=', 'open'),
)

const toSaga = <J>(row: Selectable<CellTables['sagas']>): StoredSaga<J> => ({
  id: row.id,
  name: row.name,
  instanceId: row.instance_id,
  isCancelled: row.is_cancelled === 1,
  generation: row.generation,
  input: fromJson(row.input_json),
  journal: fromJson<J>(row.journal_json),
})

/** Owner of sagas that nobody may run yet. */
const acceptor = 'acceptor'

const happened = (result: { numAffectedRows?: bigint }): boolean => (result.numAffectedRows ?? 0n) > 0n

/**
 * Journals of sagas. The engine's rules about owners, leases and generations are kept here as conditions of the updates.
 */
export class Sagas {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(saga: NewSaga, journal: unknown, nowMs: number): Promise<void> {
    await insert(this.#db, {
      id: saga.id,
      name: saga.name,
      instance_id: saga.instanceId,
      status: 'open',
      waits_for: saga.waitsFor ?? null,
      is_cancelled: 0,
      owner: saga.heldUntilMs === undefined ? null : acceptor,
      lease_until: saga.heldUntilMs ?? 0,
      generation: 0,
      input_json: JSON.stringify(saga.input),
      journal_json: JSON.stringify(journal),
      created_at: nowMs,
      updated_at: nowMs,
    })
  }

  /** The journal of a saga that has ended; undefined while it is open, and when it was purged. */
  async endedJournal<J>(id: string): Promise<J | undefined> {
    const [row] = (await byId(this.#db, { id })).rows
    return row === undefined || row.status === 'open' ? undefined : fromJson<J>(row.journal_json)
  }

  /** Nobody runs it before this time, unless `release` says so. */
  async hold(id: string, untilMs: number): Promise<void> {
    await this.#db
      .updateTable('sagas')
      .set({ owner: acceptor, lease_until: untilMs })
      .where('id', '=', id)
      .where('status', '=', 'open')
      .execute()
  }

  /** A saga that was held may start. */
  async release(id: string): Promise<void> {
    await this.#db
      .updateTable('sagas')
      .set({ owner: null, lease_until: 0 })
      .where('id', '=', id)
      .where('owner', '=', acceptor)
      .execute()
  }

  /** Removes an open saga, in the transaction that makes it another cell's; false when it is gone, or was cancelled. */
  async handOver(id: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('sagas')
      .where('id', '=', id)
      .where('status', '=', 'open')
      .where('is_cancelled', '=', 0)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** An open saga as it stands, for another database. */
  async read<J>(id: string): Promise<StoredSaga<J> | undefined> {
    const [row] = (await byId(this.#db, { id })).rows
    return row === undefined || row.status !== 'open' ? undefined : toSaga<J>(row)
  }

  /** Takes back a saga that was held; false when it has begun. */
  async withdraw(id: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('sagas')
      .where('id', '=', id)
      .where('owner', '=', acceptor)
      .where('generation', '=', 0)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  /** Asks an open saga to take everything back (unless it is past its pivot). */
  async cancel(id: string): Promise<void> {
    await this.#db
      .updateTable('sagas')
      .set({ is_cancelled: 1 })
      .where('id', '=', id)
      .where('status', '=', 'open')
      .execute()
  }

  async isCancelled(id: string): Promise<boolean> {
    const row = await this.#db.selectFrom('sagas').select('is_cancelled').where('id', '=', id).executeTakeFirst()
    return row?.is_cancelled === 1
  }

  /** Sagas of an instance that have not ended, in the order of acceptance. */
  async openOf(instanceId: string): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('sagas')
      .select('id')
      .where('instance_id', '=', instanceId)
      .where('status', '=', 'open')
      .orderBy('number')
      .execute()
    return rows.map(r => r.id)
  }

  async open(): Promise<readonly { id: string; name: string; instanceId: string | null }[]> {
    const rows = await this.#db
      .selectFrom('sagas')
      .select(['id', 'name', 'instance_id'])
      .where('status', '=', 'open')
      .execute()
    return rows.map(r => ({ id: r.id, name: r.name, instanceId: r.instance_id }))
  }

  /** What the open sagas of these names were told. */
  async openInputs(names: readonly string[]): Promise<readonly unknown[]> {
    const rows = await this.#db
      .selectFrom('sagas')
      .select('input_json')
      .where('status', '=', 'open')
      .where('name', 'in', [...names])
      .execute()
    return rows.map(row => fromJson<unknown>(row.input_json))
  }

  async claim<J>(id: string, owner: string, nowMs: number, leaseUntilMs: number): Promise<StoredSaga<J> | undefined> {
    const [row] = (await byId(this.#db, { id })).rows
    if (row === undefined || row.status !== 'open') return undefined
    if (row.owner !== null && row.owner !== owner && row.lease_until > nowMs) return undefined
    if (row.waits_for !== null) {
      const before = await this.#db
        .selectFrom('sagas')
        .select('status')
        .where('id', '=', row.waits_for)
        .executeTakeFirst()
      if (before?.status === 'open') return undefined
    }
    const { generation } = row
    const claim = { id, owner, generation, next: generation + 1, leaseUntil: leaseUntilMs }
    if (!happened(await claimIt(this.#db, claim))) return undefined
    return { ...toSaga<J>(row), generation: generation + 1 }
  }

  async runnable(nowMs: number, limit: number): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('sagas')
      .leftJoin('sagas as before', 'before.id', 'sagas.waits_for')
      .select('sagas.id')
      .where('sagas.status', '=', 'open')
      .where(e => e.or([e('sagas.owner', 'is', null), e('sagas.lease_until', '<=', nowMs)]))
      .where(e => e.or([e('before.status', 'is', null), e('before.status', '!=', 'open')]))
      .orderBy('sagas.number')
      .limit(limit)
      .execute()
    return rows.map(r => r.id)
  }

  async write(saga: { id: string; generation: number }, owner: string, journal: unknown): Promise<WriteResult> {
    const { id, generation } = saga
    const write = { id, owner, generation, next: generation + 1, journal: JSON.stringify(journal) }
    if (happened(await writeUnlessCancelled(this.#db, write))) return 'ok'
    return affected(await writeJournal(this.#db, write).executeTakeFirstOrThrow()) === 0 ? 'lost' : 'cancelled'
  }

  /** Inside the transaction that ends the saga. */
  async end(
    saga: { id: string; generation: number },
    owner: string,
    journal: unknown,
    status: 'done' | 'undone',
    nowMs: number,
  ): Promise<boolean> {
    const { id, generation } = saga
    const write = { id, owner, generation, next: generation + 1, journal: JSON.stringify(journal), status, nowMs }
    return happened(await endIt(this.#db, write))
  }

  async renew(owner: string, leaseUntilMs: number): Promise<void> {
    await this.#db
      .updateTable('sagas')
      .set({ lease_until: leaseUntilMs })
      .where('owner', '=', owner)
      .where('status', '=', 'open')
      .execute()
  }

  /** Frees the sagas of workers that are known to be dead, without waiting for their leases. */
  async releaseAllOwners(): Promise<void> {
    await this.#db.updateTable('sagas').set({ owner: null, lease_until: 0 }).where('status', '=', 'open').execute()
  }

  async dependents(id: string): Promise<readonly string[]> {
    return (await waitingFor(this.#db, { id })).rows.map(r => r.id)
  }

  /** Ended sagas older than the time are history nobody reads; the actions log keeps what users see. */
  async purgeEnded(beforeMs: number): Promise<void> {
    await this.#db.deleteFrom('sagas').where('status', '!=', 'open').where('updated_at', '<', beforeMs).execute()
  }
}
