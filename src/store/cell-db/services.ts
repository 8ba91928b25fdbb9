import type { Selectable } from 'kysely'
import { fromJson, newUuid } from '#base'
import { ServiceNotFound } from '#model'
import { affected, among, insertIgnore, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import { marked } from './host-marks.ts'
import type { CellTables } from './schema.ts'

/** Why it is certain that no guest runs on a host: instance HA has found that out. */
export interface Fence {
  /** `lease`: the host was silent for longer than its guests may run without an answer; `command`: it was switched off. */
  readonly how: 'lease' | 'command'
  /** The host's `reportCount`; a greater one says that it was heard of since. */
  readonly heard: number
  readonly atMs: number
}

export interface Service {
  readonly number: number
  readonly uuid: string
  readonly host: string
  readonly binary: string
  readonly topic: string
  /** Grows whenever the daemon is heard of. */
  readonly reportCount: number
  readonly lastSeenAtMs: number
  readonly isDisabled: boolean
  readonly disabledReason: string | null
  readonly isForcedDown: boolean
  readonly version: number
  /** For so long after each heartbeat its guests run; null: for ever. */
  readonly leaseMs: number | null
  readonly fence: Fence | null
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

const fromRow = (row: Selectable<CellTables['services']>): Service => ({
  number: row.number,
  uuid: row.uuid,
  host: row.host,
  binary: row.binary,
  topic: row.topic,
  reportCount: row.report_count,
  lastSeenAtMs: row.last_seen_at,
  isDisabled: row.disabled === 1,
  disabledReason: row.disabled_reason,
  isForcedDown: row.forced_down === 1,
  version: row.version,
  leaseMs: row.lease_ms,
  fence: row.fence_json === null ? null : fromJson<Fence>(row.fence_json),
  createdAtMs: row.created_at,
  updatedAtMs: row.updated_at,
})

/** Up: not forced down and heard of within `service_down_time`. */
export const isServiceUp = (service: Service, nowMs: number, serviceDownTimeMs: number): boolean =>
  !service.isForcedDown && nowMs - service.lastSeenAtMs <= serviceDownTimeMs

interface ServiceFilter {
  host?: string
  binary?: string
}

const listed = prepared((db: Db, { host, binary }: ServiceFilter) => {
  let select = db.selectFrom('services').selectAll().orderBy('number')
  if (host !== undefined) select = select.where('host', '=', host)
  if (binary !== undefined) select = select.where('binary', '=', binary)
  return select
})

const changedSince = prepared((db: Db, { binary, mark }: { binary: string; mark: number }) =>
  db.selectFrom('services').selectAll().where('host_mark', '>', mark).where('binary', '=', binary),
)

const leastVersion = prepared((db: Db, { binary }: { binary: string }) =>
  db
    .selectFrom('services')
    .select(e => e.fn.min<number | null>('version').as('least'))
    .where('binary', '=', binary),
)

/** A row per running daemon. */
export class Services {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** The row of this daemon, made on its first start. */
  async register(
    service: { host: string; binary: string; topic: string; version: number },
    nowMs: number,
  ): Promise<Service & { readonly isNew: boolean }> {
    const known = await this.find(service.host, service.binary)
    let isNew = false
    if (known?.version === service.version) await this.#seen(known, nowMs)
    else isNew = await marked(this.#db, 'services', (tx, mark) => this.#put(tx, service, mark, nowMs))
    const row = await this.find(service.host, service.binary)
    if (row === undefined) throw ServiceNotFound({ id: service.host })
    return { ...row, isNew }
  }

  /** True when the row was not there. */
  async #put(
    tx: Db,
    service: { host: string; binary: string; topic: string; version: number },
    host_mark: number,
    nowMs: number,
  ): Promise<boolean> {
    const isNew = await insertIgnore(tx, 'services', {
      uuid: newUuid(),
      ...service,
      report_count: 0,
      last_seen_at: nowMs,
      disabled: 0,
      disabled_reason: null,
      forced_down: 0,
      created_at: nowMs,
      updated_at: null,
    })
    await tx
      .updateTable('services')
      .set(e => ({
        version: service.version,
        report_count: e('report_count', '+', isNew ? 0 : 1),
        last_seen_at: nowMs,
        lease_ms: null,
        host_mark,
      }))
      .where('host', '=', service.host)
      .where('binary', '=', service.binary)
      .execute()
    return isNew
  }

  async #seen({ number }: Service, nowMs: number): Promise<void> {
    await this.#db
      .updateTable('services')
      .set(e => ({ report_count: e('report_count', '+', 1), last_seen_at: nowMs, lease_ms: null }))
      .where('number', '=', number)
      .execute()
  }

  /** One statement for all hosts that report at once. `leaseMs`: how long their guests run from now on. */
  async heartbeat(
    binary: string,
    hosts: readonly string[],
    nowMs: number,
    leaseMs: number | null = null,
  ): Promise<void> {
    if (hosts.length === 0) return
    await this.#db
      .updateTable('services')
      .set(e => ({ report_count: e('report_count', '+', 1), last_seen_at: nowMs, lease_ms: leaseMs }))
      .where('binary', '=', binary)
      .where('host', 'in', among(hosts))
      .execute()
  }

  async list(filter: ServiceFilter = {}): Promise<readonly Service[]> {
    return (await listed(this.#db, filter)).rows.map(fromRow)
  }

  /** Made, enabled, disabled, forced down or renewed after this mark; a heartbeat is no change. */
  async changedSince(binary: string, mark: number): Promise<readonly Service[]> {
    return (await changedSince(this.#db, { binary, mark })).rows.map(fromRow)
  }

  /** When these were last heard of, by their numbers. */
  async lastSeen(numbers: readonly number[]): Promise<ReadonlyMap<number, number>> {
    if (numbers.length === 0) return new Map()
    const rows = await this.#db
      .selectFrom('services')
      .select(['number', 'last_seen_at'])
      .where('number', 'in', among(numbers))
      .execute()
    return new Map(rows.map(row => [row.number, row.last_seen_at]))
  }

  /** The least version of these services, of those that are down as well; undefined: there are none. */
  async oldest(binary: string): Promise<number | undefined> {
    const [row] = (await leastVersion(this.#db, { binary })).rows
    return row?.least ?? undefined
  }

  async find(host: string, binary: string): Promise<Service | undefined> {
    return (await this.list({ host, binary }))[0]
  }

  /** By uuid, or by number for microversions before 2.53; `ServiceNotFound`. */
  async get(id: string | number): Promise<Service> {
    const row = await this.#db
      .selectFrom('services')
      .selectAll()
      .where(typeof id === 'number' ? 'number' : 'uuid', '=', id)
      .executeTakeFirst()
    if (row === undefined) throw ServiceNotFound({ id: String(id) })
    return fromRow(row)
  }

  async change(
    service: Service,
    change: { isDisabled?: boolean; disabledReason?: string | null; isForcedDown?: boolean },
    nowMs: number,
  ): Promise<Service> {
    await marked(this.#db, 'services', (tx, host_mark) =>
      tx
        .updateTable('services')
        .set({
          updated_at: nowMs,
          host_mark,
          ...(change.isDisabled === undefined ? {} : { disabled: Number(change.isDisabled) }),
          ...(change.disabledReason === undefined ? {} : { disabled_reason: change.disabledReason }),
          ...(change.isForcedDown === undefined ? {} : { forced_down: Number(change.isForcedDown) }),
          ...(change.isForcedDown === false ? { fence_json: null } : {}),
        })
        .where('number', '=', service.number)
        .execute(),
    )
    return this.get(service.uuid)
  }

  /**
   * Forces the host down because it is certain that none of its guests runs; false if it was heard of since it was
   * `fence.heard`, for then nothing is certain. Whoever fences again finds his own fence.
   */
  async fence({ number }: Service, fence: Fence, reason: string, nowMs: number): Promise<boolean> {
    const result = await marked(this.#db, 'services', (tx, host_mark) =>
      tx
        .updateTable('services')
        .set({
          updated_at: nowMs,
          host_mark,
          forced_down: 1,
          disabled_reason: reason,
          fence_json: JSON.stringify(fence),
        })
        .where('number', '=', number)
        .where('report_count', '=', fence.heard)
        .executeTakeFirstOrThrow(),
    )
    return affected(result) > 0
  }

  /** Only what is shown as its reason. */
  async note({ number }: Service, reason: string | null, nowMs: number): Promise<void> {
    await this.#db
      .updateTable('services')
      .set({ disabled_reason: reason, updated_at: nowMs })
      .where('number', '=', number)
      .execute()
  }

  async delete(service: Service): Promise<boolean> {
    const result = await marked(this.#db, 'removals', tx =>
      tx.deleteFrom('services').where('number', '=', service.number).executeTakeFirstOrThrow(),
    )
    return affected(result) > 0
  }
}
