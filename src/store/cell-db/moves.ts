import { type Selectable, type SelectQueryBuilder } from 'kysely'
import { fromJson } from '#base'
import {
  type CopyProgress,
  endedMigrations,
  type Flavor,
  liveInProgress,
  type Migration,
  type MigrationType,
  postCopyStatus,
} from '#model'
import { affected, among } from '../engine/index.ts'
import { sharedJson } from '../shared-json.ts'
import type { Db, Tables } from '../tables.ts'
import { MarkerNotFound } from './instance-list.ts'
import type { CellTables } from './schema.ts'

export type NewMigration = Omit<Migration, 'number' | 'updatedAtMs' | 'progress'>

/** What changes in the life of a move. */
export type MigrationChange = Partial<
  Pick<Migration, 'status' | 'destHost' | 'destNode' | 'destIp' | 'progress' | 'pending'>
>

export interface MigrationFilter {
  readonly uuid?: string
  readonly status?: string
  /** Source or target. */
  readonly host?: string
  readonly sourceHost?: string
  readonly type?: string
  readonly instanceId?: string
  readonly userId?: string
  readonly projectId?: string
  readonly changedSinceMs?: number
  readonly changedBeforeMs?: number
}

export interface MigrationQuery {
  readonly filter: MigrationFilter
  /** Newest first with a page; without one oldest first and all of them. */
  readonly page?: { readonly limit: number; readonly marker: string | undefined }
}

/** Where a list that is spread over several databases goes on. */
export type MigrationPosition = Pick<Migration, 'createdAtMs' | 'uuid'>

/** The order of such a list: newest first, then by uuid. */
export const compareMigrations = (a: MigrationPosition, b: MigrationPosition): number =>
  b.createdAtMs - a.createdAtMs || (a.uuid < b.uuid ? -1 : Number(a.uuid > b.uuid))

const flavorOf = sharedJson<Flavor>()
const flavorOrNull = (text: string | null): Flavor | null => (text === null ? null : flavorOf(text))

const fromRow = (row: Selectable<CellTables['migrations']>): Migration => ({
  number: row.number,
  uuid: row.uuid,
  instanceId: row.instance_id,
  type: row.type as MigrationType,
  status: row.status,
  sourceHost: row.source_host,
  sourceNode: row.source_node,
  destHost: row.dest_host,
  destNode: row.dest_node,
  destIp: row.dest_ip,
  oldFlavor: flavorOrNull(row.old_flavor_json),
  newFlavor: flavorOrNull(row.new_flavor_json),
  userId: row.user_id,
  projectId: row.project_id,
  isCrossCell: row.cross_cell === 1,
  progress: row.progress_json === null ? null : fromJson<CopyProgress>(row.progress_json),
  pending: { vcpus: row.pending_vcpus, memoryMiB: row.pending_memory_mib },
  createdAtMs: row.created_at,
  updatedAtMs: row.updated_at,
})

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

type Select = SelectQueryBuilder<Tables, 'migrations', Selectable<CellTables['migrations']>>

/** Records of moves. A move that has ended stays for the list, whatever becomes of its server. */
export class Moves {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(move: NewMigration): Promise<void> {
    await this.#db
      .insertInto('migrations')
      .values({
        uuid: move.uuid,
        instance_id: move.instanceId,
        type: move.type,
        status: move.status,
        source_host: move.sourceHost,
        source_node: move.sourceNode,
        dest_host: move.destHost,
        dest_node: move.destNode,
        dest_ip: move.destIp,
        old_flavor_json: json(move.oldFlavor),
        new_flavor_json: json(move.newFlavor),
        user_id: move.userId,
        project_id: move.projectId,
        cross_cell: Number(move.isCrossCell),
        progress_json: null,
        pending_vcpus: move.pending.vcpus,
        pending_memory_mib: move.pending.memoryMiB,
        created_at: move.createdAtMs,
        updated_at: null,
      })
      .execute()
  }

  /** False when it is not there, or not in the expected status. */
  async change(uuid: string, change: MigrationChange, nowMs: number, expectedStatus?: string): Promise<boolean> {
    const { status, destHost, destNode, destIp, progress, pending } = change
    let update = this.#db
      .updateTable('migrations')
      .set({
        updated_at: nowMs,
        ...(status === undefined ? {} : { status }),
        ...(destHost === undefined ? {} : { dest_host: destHost }),
        ...(destNode === undefined ? {} : { dest_node: destNode }),
        ...(destIp === undefined ? {} : { dest_ip: destIp }),
        ...(progress === undefined ? {} : { progress_json: json(progress) }),
        ...(pending === undefined ? {} : { pending_vcpus: pending.vcpus, pending_memory_mib: pending.memoryMiB }),
      })
      .where('uuid', '=', uuid)
    if (expectedStatus !== undefined) update = update.where('status', '=', expectedStatus)
    return affected(await update.executeTakeFirstOrThrow()) > 0
  }

  async find(uuid: string): Promise<Migration | undefined> {
    return this.#one(this.#all.where('uuid', '=', uuid))
  }

  /** Those of these that there are. */
  async ofMany(uuids: readonly string[]): Promise<readonly Migration[]> {
    if (uuids.length === 0) return []
    return (await this.#all.where('uuid', 'in', among(uuids)).execute()).map(fromRow)
  }

  /** By the number that the API shows. */
  async ofInstance(instanceId: string, number: number): Promise<Migration | undefined> {
    return this.#one(this.#all.where('instance_id', '=', instanceId).where('number', '=', number))
  }

  /** The newest of a server in one of these statuses. */
  async newest(instanceId: string, statuses: readonly string[]): Promise<Migration | undefined> {
    return this.#one(
      this.#all
        .where('instance_id', '=', instanceId)
        .where('status', 'in', statuses)
        .orderBy('number', 'desc')
        .limit(1),
    )
  }

  async live(instanceId: string): Promise<readonly Migration[]> {
    const rows = await this.#all
      .where('instance_id', '=', instanceId)
      .where('type', '=', 'live-migration')
      .where('status', 'in', liveInProgress)
      .orderBy('number')
      .execute()
    return rows.map(fromRow)
  }

  /** How many live migrations from this host came before this one and are not over. */
  async liveAhead(move: Pick<Migration, 'number' | 'sourceHost'>): Promise<number> {
    const { count } = await this.#db
      .selectFrom('migrations')
      .select(e => e.fn.countAll<number>().as('count'))
      .where('source_host', '=', move.sourceHost)
      .where('type', '=', 'live-migration')
      .where('status', 'in', ['queued', 'preparing', 'running', postCopyStatus])
      .where('number', '<', move.number)
      .executeTakeFirstOrThrow()
    return Number(count)
  }

  /** Moves from or to the host that have not ended. */
  async inProgressOn(host: string): Promise<readonly Migration[]> {
    const rows = await this.#onHost(this.#all, host).where('status', 'not in', endedMigrations).execute()
    return rows.map(fromRow)
  }

  /** Which of these servers are on their way from or to the host. */
  async movingAt(host: string, instanceIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (instanceIds.length === 0) return new Set()
    const rows = await this.#db
      .selectFrom('migrations')
      .select('instance_id')
      .where('instance_id', 'in', among(instanceIds))
      .where(e => e.or([e('source_host', '=', host), e('dest_host', '=', host)]))
      .where('status', 'not in', endedMigrations)
      .execute()
    return new Set(rows.map(row => row.instance_id))
  }

  /** Moves that say that they are on their way although no saga of their server is open. */
  async lost(limit: number): Promise<readonly Migration[]> {
    const rows = await this.#all
      .where('status', 'not in', [...endedMigrations, 'finished'])
      .where(e =>
        e.not(
          e.exists(
            e
              .selectFrom('sagas')
              .select('sagas.id')
              .whereRef('sagas.instance_id', '=', 'migrations.instance_id')
              .where('sagas.status', '=', 'open'),
          ),
        ),
      )
      .limit(limit)
      .execute()
    return rows.map(fromRow)
  }

  /** Of this status and type; `untilMs` = not changed since. */
  async inStatus(
    status: string,
    filter: { sourceHost?: string; untilMs?: number } = {},
  ): Promise<readonly Migration[]> {
    let select = this.#all.where('status', '=', status).orderBy('number')
    if (filter.sourceHost !== undefined) select = select.where('source_host', '=', filter.sourceHost)
    const { untilMs } = filter
    if (untilMs !== undefined) select = select.where(e => e(e.fn.coalesce('updated_at', 'created_at'), '<=', untilMs))
    return (await select.execute()).map(fromRow)
  }

  async list(query: MigrationQuery): Promise<readonly Migration[]> {
    const { page } = query
    if (page === undefined) return (await this.#filtered(query.filter).orderBy('number').execute()).map(fromRow)
    let select = this.#filtered(query.filter).orderBy('created_at', 'desc').orderBy('number', 'desc').limit(page.limit)
    if (page.marker !== undefined) {
      const marker = await this.find(page.marker)
      if (marker === undefined) throw MarkerNotFound({ marker: page.marker })
      const { createdAtMs: at, number } = marker
      select = select.where(e =>
        e.or([e('created_at', '<', at), e.and([e('created_at', '=', at), e('number', '<', number)])]),
      )
    }
    return (await select.execute()).map(fromRow)
  }

  /** This database's part of a page of such a list. */
  async listPart(
    filter: MigrationFilter,
    { limit, after }: { readonly limit: number; readonly after: MigrationPosition | undefined },
  ): Promise<readonly Migration[]> {
    let select = this.#filtered(filter).orderBy('created_at', 'desc').orderBy('uuid').limit(limit)
    if (after !== undefined) {
      const { createdAtMs: at, uuid } = after
      select = select.where(e =>
        e.or([e('created_at', '<', at), e.and([e('created_at', '=', at), e('uuid', '>', uuid)])]),
      )
    }
    return (await select.execute()).map(fromRow)
  }

  get #all(): Select {
    return this.#db.selectFrom('migrations').selectAll()
  }

  #onHost(select: Select, host: string): Select {
    return select.where(e => e.or([e('source_host', '=', host), e('dest_host', '=', host)]))
  }

  #filtered(filter: MigrationFilter): Select {
    const equal = {
      uuid: filter.uuid,
      status: filter.status,
      type: filter.type,
      instance_id: filter.instanceId,
      user_id: filter.userId,
      project_id: filter.projectId,
      source_host: filter.host === undefined ? filter.sourceHost : undefined,
    } as const
    let select = this.#all
    for (const [column, value] of Object.entries(equal)) {
      if (value !== undefined) select = select.where(column as keyof typeof equal, '=', value)
    }
    if (filter.host !== undefined) select = this.#onHost(select, filter.host)
    const { changedSinceMs, changedBeforeMs } = filter
    if (changedSinceMs !== undefined) select = select.where('updated_at', '>=', changedSinceMs)
    if (changedBeforeMs !== undefined) select = select.where('updated_at', '<=', changedBeforeMs)
    return select
  }

  async #one(select: Select): Promise<Migration | undefined> {
    const row = await select.executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }
}
