import type { Selectable } from 'kysely'
import { fromJson } from '#base'
import type { NodeDescription } from '#model'
import { upsert } from '../engine/index.ts'
import type { Db } from '../tables.ts'
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
  ...fromJson<{ failedBuilds?: number; reserved?: HostReserve }>(row.stats_json),
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

export class ComputeNodes {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  save(
    node: Omit<ComputeNode, 'number' | 'failedBuilds' | 'reserved' | 'createdAtMs' | 'updatedAtMs'> &
      Partial<Pick<ComputeNode, 'failedBuilds' | 'reserved'>>,
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

  async list(): Promise<readonly ComputeNode[]> {
    return (await this.#db.selectFrom('compute_nodes').selectAll().orderBy('number').execute()).map(fromRow)
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
        e.fn
          .sum<number>(
            e.case().when('task_state', 'in', ioTasks).then(1).when('vm_state', '=', 'building').then(1).else(0).end(),
          )
          .as('io'),
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
