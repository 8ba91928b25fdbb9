import type { ExpressionBuilder, Insertable, Selectable } from 'kysely'
import { fromJson } from '#base'
import type { NodeDescription, NodeMetric } from '#model'
import { affected, prepared, upsert } from '../engine/index.ts'
import type { Db, Tables } from '../tables.ts'
import { marked } from './host-marks.ts'
import { imagePropertyTallies, serverTallies, type Tally } from './host-tallies.ts'
import type { CellTables } from './schema.ts'

/** What the operator keeps from instances on a host. */
export interface HostReserve {
  readonly vcpus: number
  readonly memoryMiB: number
  readonly diskGiB: number
}

const nothingReserved: HostReserve = { vcpus: 0, memoryMiB: 0, diskGiB: 0 }

export interface ComputeNode {
  readonly number: number
  /** Also the resource provider's id. */
  readonly uuid: string
  readonly host: string
  readonly description: NodeDescription
  readonly failedBuilds: number
  readonly reserved: HostReserve
  readonly metrics: readonly NodeMetric[]
  readonly cpuAllocationRatio: number
  readonly ramAllocationRatio: number
  readonly diskAllocationRatio: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

const fromRow = (row: Selectable<CellTables['compute_nodes']>): ComputeNode => ({
  number: row.number,
  uuid: row.uuid,
  host: row.host,
  description: fromJson(row.description_json),
  failedBuilds: 0,
  reserved: nothingReserved,
  metrics: [],
  ...fromJson<Partial<Pick<ComputeNode, 'failedBuilds' | 'reserved' | 'metrics'>>>(row.stats_json),
  cpuAllocationRatio: row.cpu_allocation_ratio,
  ramAllocationRatio: row.ram_allocation_ratio,
  diskAllocationRatio: row.disk_allocation_ratio,
  createdAtMs: row.created_at,
  updatedAtMs: row.updated_at,
})

/** Usage of a host by the instances that are on it. */
export interface HostUsage {
  readonly host: string
  readonly instances: number
  readonly vcpus: number
  readonly memoryMiB: number
  readonly diskGiB: number
  /** Instances with a task that moves disks: Nova's io_workload. */
  readonly ioOps: number
}

const ioTasks = [
  'resize_migrating',
  'rebuilding',
  'resize_prep',
  'image_snapshot',
  'image_backup',
  'rescuing',
  'unshelving',
  'shelving',
]

/** Nova counts every server that is being built as one that moves disks. */
const diskMovers = (e: ExpressionBuilder<Tables, 'instances'>) =>
  e.fn.sum<number>(
    e.case().when('task_state', 'in', ioTasks).then(1).when('vm_state', '=', 'building').then(1).else(0).end(),
  )

const serversByHost = prepared((db: Db) =>
  db
    .selectFrom('instances')
    .select(e => ['host', e.fn.countAll<number>().as('instances')])
    .where('deleted', '=', 0)
    .where('host', 'is not', null)
    .groupBy('host'),
)

/** Both parts by an index, so the cost is that of the servers in motion, however many there are at rest. */
const diskMoversOnHosts = prepared((db: Db) => {
  const placed = db
    .selectFrom('instances')
    .select(['number', 'host'])
    .where('deleted', '=', 0)
    .where('host', 'is not', null)
  return placed
    .where('task_state', 'in', ioTasks)
    .union(placed.where('vm_state', '=', 'building').where('deleted_at', 'is', null))
})

const changedSince = prepared((db: Db, { mark }: { mark: number }) =>
  db.selectFrom('compute_nodes').selectAll().where('host_mark', '>', mark).orderBy('number'),
)

/** What is the same from one report of a quiet host to the next. */
const content = ['host', 'hypervisor_hostname', 'description_json', 'stats_json'] as const
const ratios = ['cpu_allocation_ratio', 'ram_allocation_ratio', 'disk_allocation_ratio'] as const

export class ComputeNodes {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async save(
    node: Omit<ComputeNode, 'number' | 'failedBuilds' | 'reserved' | 'metrics' | 'createdAtMs' | 'updatedAtMs'> &
      Partial<Pick<ComputeNode, 'failedBuilds' | 'reserved' | 'metrics'>>,
    nowMs: number,
  ): Promise<void> {
    const row = {
      uuid: node.uuid,
      host: node.host,
      hypervisor_hostname: node.description.hypervisorHostname,
      description_json: JSON.stringify(node.description),
      stats_json: JSON.stringify({
        failedBuilds: node.failedBuilds ?? 0,
        reserved: node.reserved ?? nothingReserved,
        metrics: node.metrics ?? [],
      }),
      cpu_allocation_ratio: node.cpuAllocationRatio,
      ram_allocation_ratio: node.ramAllocationRatio,
      disk_allocation_ratio: node.diskAllocationRatio,
      created_at: nowMs,
      updated_at: nowMs,
    }
    if (await this.#confirm(row)) return
    await marked(this.#db, 'nodes', (tx, host_mark) => upsert(tx, 'compute_nodes', { ...row, host_mark }, ['uuid']))
  }

  /** The node as it is told of is the node as it is known: then nobody needs to read it again. */
  async #confirm(row: Insertable<CellTables['compute_nodes']>): Promise<boolean> {
    let update = this.#db.updateTable('compute_nodes').set({ updated_at: row.updated_at }).where('uuid', '=', row.uuid)
    for (const column of content) update = update.where(column, '=', row[column])
    for (const column of ratios) update = update.where(column, '=', row[column])
    return affected(await update.executeTakeFirstOrThrow()) > 0
  }

  /** Builds that failed since the last one that did not: the scheduler avoids such nodes. */
  async countBuild(uuid: string, outcome: 'failed' | 'succeeded', nowMs: number): Promise<void> {
    for (;;) {
      const row = await this.#db
        .selectFrom('compute_nodes')
        .select('stats_json')
        .where('uuid', '=', uuid)
        .executeTakeFirst()
      if (row === undefined) return
      const stats = fromJson<{ failedBuilds?: number }>(row.stats_json)
      const { failedBuilds: before = 0 } = stats
      const failedBuilds = outcome === 'failed' ? before + 1 : 0
      if (failedBuilds === before) return
      const result = await marked(this.#db, 'nodes', (tx, host_mark) =>
        tx
          .updateTable('compute_nodes')
          .set({ stats_json: JSON.stringify({ ...stats, failedBuilds }), updated_at: nowMs, host_mark })
          .where('uuid', '=', uuid)
          .where('stats_json', '=', row.stats_json)
          .executeTakeFirstOrThrow(),
      )
      if (affected(result) > 0) return
    }
  }

  async list(): Promise<readonly ComputeNode[]> {
    return (await this.#db.selectFrom('compute_nodes').selectAll().orderBy('number').execute()).map(fromRow)
  }

  /** New, or reported otherwise than before, after this mark. */
  async changedSince(mark: number): Promise<readonly ComputeNode[]> {
    return (await changedSince(this.#db, { mark })).rows.map(fromRow)
  }

  async find(
    by: { uuid: string } | { host: string } | { number: number } | { hypervisorHostname: string },
  ): Promise<ComputeNode | undefined> {
    let select = this.#db.selectFrom('compute_nodes').selectAll()
    if ('uuid' in by) select = select.where('uuid', '=', by.uuid)
    else if ('host' in by) select = select.where('host', '=', by.host)
    else if ('number' in by) select = select.where('number', '=', by.number)
    else select = select.where('hypervisor_hostname', '=', by.hypervisorHostname)
    const row = await select.executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  async delete(uuid: string): Promise<void> {
    await marked(this.#db, 'removals', tx => tx.deleteFrom('compute_nodes').where('uuid', '=', uuid).execute())
  }

  /** Usage of every host that has instances, in one statement. */
  async usage(): Promise<ReadonlyMap<string, HostUsage>> {
    const rows = await this.#db
      .selectFrom('instances')
      .select(e => [
        'host',
        e.fn.countAll<number>().as('instances'),
        e.fn.sum<number>('vcpus').as('vcpus'),
        e.fn.sum<number>('memory_mib').as('memory'),
        e.fn.sum<number>(e('root_gib', '+', e.ref('ephemeral_gib'))).as('disk'),
        diskMovers(e).as('io'),
      ])
      .where('deleted', '=', 0)
      .where('host', 'is not', null)
      .groupBy('host')
      .execute()
    return new Map(
      rows.map(r => [
        String(r.host),
        {
          host: String(r.host),
          instances: Number(r.instances),
          vcpus: Number(r.vcpus),
          memoryMiB: Number(r.memory),
          diskGiB: Number(r.disk),
          ioOps: Number(r.io),
        },
      ]),
    )
  }

  /** How many servers every host has, from an index alone; hosts without any are left out. */
  async serverCounts(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await serversByHost(this.#db, {})
    return new Map(rows.map(r => [String(r.host), Number(r.instances)]))
  }

  /** How many servers with a task that moves disks every host has: Nova's io_workload; hosts without any are left out. */
  async ioOps(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await diskMoversOnHosts(this.#db, {})
    const counts = new Map<string, number>()
    for (const { host } of rows) counts.set(String(host), (counts.get(String(host)) ?? 0) + 1)
    return counts
  }

  imagePropertyTallies(): Promise<ReadonlyMap<string, Tally>> {
    return imagePropertyTallies(this.#db)
  }

  serverTallies(): Promise<ReadonlyMap<string, Tally>> {
    return serverTallies(this.#db)
  }

  /** How many instances of each host have a task: Nova's current_workload. */
  async workload(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db
      .selectFrom('instances')
      .select(e => ['host', e.fn.countAll<number>().as('busy')])
      .where('deleted', '=', 0)
      .where('host', 'is not', null)
      .where('task_state', 'is not', null)
      .groupBy('host')
      .execute()
    return new Map(rows.map(r => [String(r.host), Number(r.busy)]))
  }
}
