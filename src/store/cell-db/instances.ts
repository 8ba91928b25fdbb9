import type { Insertable } from 'kysely'
import { fromJson, type InstanceId } from '#base'
import { type Instance, InstanceNotFound, type TaskState, type Vif, type VmState } from '#model'
import { affected, among, amongJson, prepared } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import {
  findPosition,
  type InstancePartQuery,
  type InstancePosition,
  type InstanceQuery,
  listInstances,
  listPart,
  type PositionedInstance,
} from './instance-list.ts'
import { fromRow, type InstanceChange, type NewInstance, toColumns, toNewRow } from './instance-row.ts'

import { hasNoOpenSaga } from './open-sagas.ts'
import type { CellTables } from './schema.ts'

export type { InstanceChange, NewInstance } from './instance-row.ts'

/** What must still be true of the row for a change to happen. */
export interface Expected {
  readonly vmState?: VmState | readonly VmState[]
  /** `null` = idle. */
  readonly taskState?: TaskState | null | readonly (TaskState | null)[]
  readonly sagaId?: string | null
  readonly host?: string | null
  readonly flavorId?: string
}

/** Which servers are counted; all by default. */
export interface CountedPart {
  readonly isWithoutBuilding?: true
  /** Ids of servers that somebody else counts. */
  readonly except?: readonly string[]
}

export interface BuildingServer {
  readonly id: string
  readonly userId: string
  readonly flavor: Instance['flavor']
  readonly isVolumeBacked: boolean
}

export interface Usage {
  readonly instances: number
  readonly cores: number
  readonly ramMiB: number
}

const insert = prepared((db: Db, row: Insertable<CellTables['instances']>) => db.insertInto('instances').values(row))

const living = prepared((db: Db, { id }: { id: string }) =>
  db.selectFrom('instances').selectAll().where('id', '=', id).where('deleted', '=', 0),
)

const livingOrNot = prepared((db: Db, { id }: { id: string }) =>
  db.selectFrom('instances').selectAll().where('id', '=', id).where('deleted', '>=', 0),
)

const release = prepared((db: Db, { sagaId, nowMs }: { sagaId: string; nowMs: number }) =>
  db.updateTable('instances').set({ task_state: null, saga_id: null, updated_at: nowMs }).where('saga_id', '=', sagaId),
)

/** States in which a server should not be for long. */
export type LateIn = 'building' | 'rebooting'

/** A soft reboot on its way; a hard one has nothing left to wait for. */
const rebootTasks = ['rebooting', 'reboot_pending', 'reboot_started'] as const

/** Records of servers. Check and change are one statement: `change` says whether it happened. */
const placesAmong = prepared((db: Db, { list }: { list: string }) =>
  db
    .selectFrom('instances')
    .select(['id', 'user_id', 'host'])
    .where('id', 'in', amongJson(list))
    .where('deleted', '=', 0),
)

export class Instances {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async create(instances: readonly NewInstance[]): Promise<void> {
    for (const instance of instances) await insert(this.#db, toNewRow(instance))
  }

  /** Deleted ones too when asked; undefined when there is none. */
  async find(id: string, options: { withDeleted?: boolean } = {}): Promise<Instance | undefined> {
    const find = options.withDeleted === true ? livingOrNot : living
    const [row] = (await find(this.#db, { id })).rows
    return row === undefined ? undefined : fromRow(row)
  }

  async get(id: string, options: { withDeleted?: boolean } = {}): Promise<Instance> {
    const instance = await this.find(id, options)
    if (instance === undefined) throw InstanceNotFound({ id })
    return instance
  }

  list(query: InstanceQuery): Promise<readonly Instance[]> {
    return listInstances(this.#db, query)
  }

  /** Servers of this database for a list that is spread over several. */
  listPart(query: InstancePartQuery): Promise<readonly PositionedInstance[]> {
    return listPart(this.#db, query)
  }

  /** Where such a list goes on after this server, deleted or not, and whose it is. */
  positionOf(
    id: string,
    sort: InstanceQuery['sort'],
  ): Promise<{ readonly position: InstancePosition; readonly projectId: string } | undefined> {
    return findPosition(this.#db, id, sort)
  }

  /** All living instances on a host. */
  async onHost(host: string): Promise<readonly Instance[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('host', '=', host)
      .where('deleted', '=', 0)
      .execute()
    return rows.map(fromRow)
  }

  /** Ids of the living instances by host, in one statement. */
  async idsByHost(hosts: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const found = new Map<string, Set<string>>()
    if (hosts.length === 0) return found
    const rows = await this.#db
      .selectFrom('instances')
      .select(['id', 'host'])
      .where('host', 'in', among(hosts))
      .where('deleted', '=', 0)
      .execute()
    for (const { id, host } of rows) {
      const ids = found.get(String(host))
      if (ids === undefined) found.set(String(host), new Set([id]))
      else ids.add(id)
    }
    return found
  }

  /** Where these servers are, those that are alive, in one statement; a server without a host yet has none. */
  async placesOf(ids: readonly string[]): Promise<readonly { id: string; userId: string; host: string | null }[]> {
    if (ids.length === 0) return []
    const { rows } = await placesAmong(this.#db, { list: JSON.stringify(ids) })
    return rows.map(r => ({ id: r.id, userId: r.user_id, host: r.host }))
  }

  /** Changes the row if it is alive and as expected; false when it is not. */
  async change(id: InstanceId, change: InstanceChange, nowMs: number, expected: Expected = {}): Promise<boolean> {
    let update = this.#db
      .updateTable('instances')
      .set({ ...toColumns(change), updated_at: nowMs })
      .where('id', '=', id)
      .where('deleted', '=', 0)
    const { vmState, taskState, sagaId, host, flavorId } = expected
    if (typeof vmState === 'string') update = update.where('vm_state', '=', vmState)
    else if (vmState !== undefined) update = update.where('vm_state', 'in', vmState)
    if (taskState === null) update = update.where('task_state', 'is', null)
    else if (typeof taskState === 'string') update = update.where('task_state', '=', taskState)
    else if (taskState !== undefined) {
      const busy = taskState.filter(t => t !== null)
      update = update.where(e => {
        const either = busy.length === 0 ? [] : [e('task_state', 'in', busy)]
        return e.or(taskState.includes(null) ? [...either, e('task_state', 'is', null)] : either)
      })
    }
    if (sagaId === null) update = update.where('saga_id', 'is', null)
    else if (sagaId !== undefined) update = update.where('saga_id', '=', sagaId)
    if (host === null) update = update.where('host', 'is', null)
    else if (host !== undefined) update = update.where('host', '=', host)
    if (flavorId !== undefined) update = update.where('flavor_id', '=', flavorId)
    return affected(await update.executeTakeFirstOrThrow()) > 0
  }

  /**
   * Rewrites the interfaces from what they are at that moment, so that of two changes at a time none is lost. It is no
   * change of the server itself: its `updated` stays. False when the server is gone.
   */
  async rewriteNetwork(id: InstanceId, change: (now: readonly Vif[]) => readonly Vif[]): Promise<boolean> {
    for (;;) {
      const [row] = (await living(this.#db, { id })).rows
      if (row === undefined) return false
      const next = JSON.stringify(change(fromRow(row).networkInfo))
      if (next === row.network_json) return true
      const result = await this.#db
        .updateTable('instances')
        .set({ network_json: next })
        .where('id', '=', id)
        .where('deleted', '=', 0)
        .where('network_json', '=', row.network_json)
        .executeTakeFirstOrThrow()
      if (affected(result) > 0) return true
    }
  }

  /** The living ones that a saga works on. */
  async ofSaga(sagaId: string): Promise<readonly Instance[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('saga_id', '=', sagaId)
      .where('deleted', '=', 0)
      .execute()
    return rows.map(fromRow)
  }

  /** Clears the task state that a saga set; it cannot outlive the saga. */
  async releaseTask(sagaId: string, nowMs: number): Promise<void> {
    await release(this.#db, { sagaId, nowMs })
  }

  /** Marks as deleted; the row stays for history. False when it was deleted already. */
  async softDelete(id: InstanceId, nowMs: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('instances')
      .set(e => ({
        deleted: e.ref('number'),
        vm_state: 'deleted',
        task_state: null,
        saga_id: null,
        power_state: 0,
        terminated_at: nowMs,
        deleted_at: nowMs,
        updated_at: nowMs,
      }))
      .where('id', '=', id)
      .where('deleted', '=', 0)
      .executeTakeFirstOrThrow()
    if (affected(result) === 0) return false
    await this.#db
      .updateTable('instance_actions')
      .set(e => ({ deleted: e.ref('number') }))
      .where('instance_id', '=', id)
      .execute()
    return true
  }

  /** Ids of idle servers that were put away (soft-deleted) before this time. */
  putAwayBefore(timeMs: number, limit: number): Promise<readonly string[]> {
    return this.#idleSince('soft-delete', 'deleted_at', timeMs, limit)
  }

  /** Ids of idle servers that were rescued before this time. */
  rescuedBefore(timeMs: number, limit: number): Promise<readonly string[]> {
    return this.#idleSince('rescued', 'launched_at', timeMs, limit)
  }

  /**
   * Servers that say that somebody works on them although no saga of theirs is open: with a task, or still being built. In
   * one statement, as both change in one transaction.
   */
  async lost(limit: number): Promise<readonly Instance[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('deleted', '=', 0)
      .where(e => e.or([e('task_state', 'is not', null), e('vm_state', '=', 'building')]))
      .where(hasNoOpenSaga)
      .limit(limit)
      .execute()
    return rows.map(fromRow)
  }

  /** Ids of living servers in this state since before, with one of these tasks or none asked for. */
  async lateIn(where: LateIn, beforeMs: number, limit: number): Promise<readonly string[]> {
    const select = this.#db.selectFrom('instances').select('id').where('deleted', '=', 0).limit(limit)
    const late =
      where === 'building'
        ? select.where('vm_state', '=', 'building').where('created_at', '<', beforeMs)
        : select.where('task_state', 'in', rebootTasks).where('updated_at', '<', beforeMs)
    return (await late.execute()).map(row => row.id)
  }

  /** Those that came after this one, by number; deleted ones too. */
  async after(number: number, limit: number): Promise<readonly Instance[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('number', '>', number)
      .where('deleted', '>=', 0)
      .orderBy('number')
      .limit(limit)
      .execute()
    return rows.map(fromRow)
  }

  /** Whether a living server is here, on whichever host or on none. */
  async isAnyAlive(): Promise<boolean> {
    const row = await this.#db.selectFrom('instances').select('id').where('deleted', '=', 0).limit(1).executeTakeFirst()
    return row !== undefined
  }

  /** Servers that were deleted in this time, oldest first. */
  async deletedBetween(fromMs: number, toMs: number, limit: number): Promise<readonly Instance[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .selectAll()
      .where('deleted', '>', 0)
      .where('deleted_at', '>=', fromMs)
      .where('deleted_at', '<', toMs)
      .orderBy('deleted_at')
      .limit(limit)
      .execute()
    return rows.map(fromRow)
  }

  /** The next living server on a host after this one by id; the first after the last. */
  async nextOnHost(afterId: string): Promise<string | undefined> {
    const next = (from: string) =>
      this.#db
        .selectFrom('instances')
        .select('id')
        .where('deleted', '=', 0)
        .where('host', 'is not', null)
        .where('id', '>', from)
        .orderBy('id')
        .limit(1)
        .executeTakeFirst()
    return ((await next(afterId)) ?? (await next('')))?.id
  }

  async #idleSince(
    vmState: VmState,
    since: 'deleted_at' | 'launched_at',
    timeMs: number,
    limit: number,
  ): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .select('id')
      .where('vm_state', '=', vmState)
      .where(since, '<', timeMs)
      .where('deleted', '=', 0)
      .where('task_state', 'is', null)
      .limit(limit)
      .execute()
    return rows.map(r => r.id)
  }

  /**
   * What a project (and one user of it) uses now, without what is put away and may come back. Inside the create's
   * transaction this makes the quota exact.
   */
  async usage(projectId: string, userId?: string, part: CountedPart = {}): Promise<Usage> {
    // First what is on its way: a resize that ends in between is then counted twice, and never not at all.
    const growth = await this.pendingGrowth(projectId, userId)
    let select = this.#db
      .selectFrom('instances')
      .select(e => [
        e.fn.countAll<number>().as('instances'),
        e.fn.sum<number | null>('vcpus').as('cores'),
        e.fn.sum<number | null>('memory_mib').as('ram'),
      ])
      .where('project_id', '=', projectId)
      .where('deleted', '=', 0)
      .where(e => e.or([e('vm_state', '!=', 'soft-delete'), e('task_state', '=', 'restoring')]))
    if (userId !== undefined) select = select.where('user_id', '=', userId)
    if (part.isWithoutBuilding === true) select = select.where('vm_state', '!=', 'building')
    if (part.except !== undefined && part.except.length > 0) select = select.where('id', 'not in', among(part.except))
    const row = await select.executeTakeFirstOrThrow()
    return {
      instances: Number(row.instances),
      cores: Number(row.cores ?? 0) + growth.cores,
      ramMiB: Number(row.ram ?? 0) + growth.ramMiB,
    }
  }

  /** A project's servers that are being built. */
  async building(projectId: string): Promise<readonly BuildingServer[]> {
    const rows = await this.#db
      .selectFrom('instances')
      .select(['id', 'user_id', 'flavor_json', 'image_id'])
      .where('project_id', '=', projectId)
      .where('deleted', '=', 0)
      .where('vm_state', '=', 'building')
      .execute()
    return rows.map(row => ({
      id: row.id,
      userId: row.user_id,
      flavor: fromJson(row.flavor_json),
      isVolumeBacked: row.image_id === null,
    }))
  }

  /** What resizes on their way will add when they are done: two of them together must not exceed the quota either. */
  async pendingGrowth(projectId: string, userId?: string): Promise<{ cores: number; ramMiB: number }> {
    // A cross join keeps SQLite from going through all servers of the project: moves that will grow one are few.
    let select = this.#db
      .selectFrom('migrations')
      .crossJoin('instances')
      .select(e => [
        e.fn.sum<number | null>('pending_vcpus').as('cores'),
        e.fn.sum<number | null>('pending_memory_mib').as('ram'),
      ])
      .whereRef('instances.id', '=', 'migrations.instance_id')
      .where('instances.project_id', '=', projectId)
      .where('instances.deleted', '=', 0)
      .where(e => e.or([e('pending_vcpus', '>', 0), e('pending_memory_mib', '>', 0)]))
    if (userId !== undefined) select = select.where('instances.user_id', '=', userId)
    const row = await select.executeTakeFirstOrThrow()
    return { cores: Number(row.cores ?? 0), ramMiB: Number(row.ram ?? 0) }
  }

  /** How many servers of each flavor a project has; of a flavor that changed since, one entry per form. */
  async flavorCounts(
    projectId: string,
    part: CountedPart = {},
  ): Promise<
    readonly { readonly flavor: Instance['flavor']; readonly isVolumeBacked: boolean; readonly count: number }[]
  > {
    let select = this.#db
      .selectFrom('instances')
      .select(e => ['flavor_json', 'image_id', e.fn.countAll<number>().as('count')])
      .where('project_id', '=', projectId)
      .where('deleted', '=', 0)
      .where(e => e.or([e('vm_state', '!=', 'soft-delete'), e('task_state', '=', 'restoring')]))
      .groupBy(['flavor_json', 'image_id'])
    if (part.isWithoutBuilding === true) select = select.where('vm_state', '!=', 'building')
    if (part.except !== undefined && part.except.length > 0) select = select.where('id', 'not in', among(part.except))
    const rows = await select.execute()
    return rows.map(row => ({
      flavor: fromJson(row.flavor_json),
      isVolumeBacked: row.image_id === null,
      count: Number(row.count),
    }))
  }

  /**
   * Instances that lived at some time of the period, for usage reports: deleted ones too.
   * `projectId` undefined = all projects.
   */
  async livedBetween(fromMs: number, toMs: number, projectId?: string): Promise<readonly Instance[]> {
    let select = this.#db
      .selectFrom('instances')
      .selectAll()
      .where('deleted', '>=', 0)
      .where('launched_at', 'is not', null)
      .where('launched_at', '<', toMs)
      .where(e => e.or([e('terminated_at', 'is', null), e('terminated_at', '>=', fromMs)]))
      .orderBy('number')
    if (projectId !== undefined) select = select.where('project_id', '=', projectId)
    return (await select.execute()).map(fromRow)
  }
}
