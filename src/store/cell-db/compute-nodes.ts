import type { ExpressionBuilder, Selectable } from 'kysely'
import { fromJson } from '#base'
import type { NodeDescription, NodeMetric } from '#model'
import { affected, amongJson, prepared, upsert } from '../engine/index.ts'
import type { Db, Tables } from '../tables.ts'
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

export type HostLoad = Pick<HostUsage, 'instances' | 'ioOps'>

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

const loadByHost = prepared((db: Db) =>
  db
    .selectFrom('instances')
    .select(e => ['host', e.fn.countAll<number>().as('instances'), diskMovers(e).as('io')])
    .where('deleted', '=', 0)
    .where('host', 'is not', null)
    .groupBy('host'),
)

const allMarks = prepared((db: Db) => db.selectFrom('compute_nodes').select(['uuid', 'host', 'updated_at']))

const nodesAmong = prepared((db: Db, { list }: { list: string }) =>
  db.selectFrom('compute_nodes').selectAll().where('uuid', 'in', amongJson(list)).orderBy('number'),
)

export class ComputeNodes {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  save(
    node: Omit<ComputeNode, 'number' | 'failedBuilds' | 'reserved' | 'metrics' | 'createdAtMs' | 'updatedAtMs'> &
      Partial<Pick<ComputeNode, 'failedBuilds' | 'reserved' | 'metrics'>>,
    nowMs: number,
  ) {
    return upsert(
      this.#db,
      'compute_nodes',
      {
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
      },
      ['uuid'],
    )
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
      const result = await this.#db
        .updateTable('compute_nodes')
        .set({ stats_json: JSON.stringify({ ...stats, failedBuilds }), updated_at: nowMs })
        .where('uuid', '=', uuid)
        .where('stats_json', '=', row.stats_json)
        .executeTakeFirstOrThrow()
      if (affected(result) > 0) return
    }
  }

  async list(): Promise<readonly ComputeNode[]> {
    return (await this.#db.selectFrom('compute_nodes').selectAll().orderBy('number').execute()).map(fromRow)
  }

  /** Of every node what tells whether it was reported anew; cheap, however much a node has to say about itself. */
  async marks(): Promise<readonly { uuid: string; host: string; updatedAtMs: number }[]> {
    const { rows } = await allMarks(this.#db, {})
    return rows.map(row => ({ uuid: row.uuid, host: row.host, updatedAtMs: row.updated_at }))
  }

  async some(uuids: readonly string[]): Promise<readonly ComputeNode[]> {
    if (uuids.length === 0) return []
    const list = JSON.stringify(uuids)
    const { rows } = await nodesAmong(this.#db, { list })
    return rows.map(fromRow)
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
    await this.#db.deleteFrom('compute_nodes').where('uuid', '=', uuid).execute()
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

  /** How many servers every host has, and how many of them move disks; from an index alone, for every boot asks. */
  async load(): Promise<ReadonlyMap<string, HostLoad>> {
    const { rows } = await loadByHost(this.#db, {})
    return new Map(rows.map(r => [String(r.host), { instances: Number(r.instances), ioOps: Number(r.io) }]))
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
