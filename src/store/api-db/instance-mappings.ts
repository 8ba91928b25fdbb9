import type { Selectable } from 'kysely'
import type { Flavor, Instance } from '#model'
import { affected, among, insertIgnore, upsert } from '../engine/index.ts'
import { sharedJson } from '../shared-json.ts'
import type { Db } from '../tables.ts'
import type { ApiTables } from './schema.ts'

/** What can be told of a server while its cell cannot be asked. */
export interface InstanceSummary {
  readonly imageId: string | null
  readonly flavor: Flavor
  readonly zone: string | null
}

export interface InstanceMapping {
  readonly instanceId: string
  readonly cellUuid: string
  readonly projectId: string
  readonly userId: string
  /** The server is deleted, or is being. */
  readonly isDeleted: boolean
  readonly createdAtMs: number
  readonly summary: InstanceSummary
}

/** The mapping of a server in this cell. */
export const mappingOf = (instance: Instance, cellUuid: string): InstanceMapping => ({
  instanceId: instance.id,
  cellUuid,
  projectId: instance.projectId,
  userId: instance.userId,
  isDeleted: instance.isDeleted,
  createdAtMs: instance.createdAtMs,
  summary: { imageId: instance.image?.id ?? null, flavor: instance.flavor, zone: instance.requestedZone },
})

const summaryOf = sharedJson<InstanceSummary>()

const fromRow = (row: Selectable<ApiTables['instance_mappings']>): InstanceMapping => ({
  instanceId: row.instance_id,
  cellUuid: row.cell_uuid,
  projectId: row.project_id,
  userId: row.user_id,
  isDeleted: row.is_deleted === 1,
  createdAtMs: Number(row.created_at),
  summary: summaryOf(row.summary_json),
})

const toRow = (mapping: InstanceMapping) => ({
  instance_id: mapping.instanceId,
  cell_uuid: mapping.cellUuid,
  project_id: mapping.projectId,
  user_id: mapping.userId,
  is_deleted: mapping.isDeleted ? 1 : 0,
  created_at: mapping.createdAtMs,
  summary_json: JSON.stringify(mapping.summary),
})

/** Name of a mark: a uuid without its dashes is as long as it may be. */
const markerOf = (cellUuid: string): string => cellUuid.replaceAll('-', '')

/**
 * Which cell each server is in, for servers in another cell than the API's own database. One without a mapping is in the API's
 * own: it is not placed yet, or never was, or there are no cells.
 */
export class InstanceMappings {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async cellOf(instanceId: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('instance_mappings')
      .select('cell_uuid')
      .where('instance_id', '=', instanceId)
      .executeTakeFirst()
    return row?.cell_uuid
  }

  async find(instanceId: string): Promise<InstanceMapping | undefined> {
    const [found] = await this.ofMany([instanceId])
    return found
  }

  async ofMany(instanceIds: readonly string[]): Promise<readonly InstanceMapping[]> {
    if (instanceIds.length === 0) return []
    const rows = await this.#db
      .selectFrom('instance_mappings')
      .selectAll()
      .where('instance_id', 'in', among(instanceIds))
      .execute()
    return rows.map(fromRow)
  }

  /** Servers of these cells that are not deleted, newest first: what is known of them while the cells are away. */
  async alive(cellUuids: readonly string[], projectId?: string): Promise<readonly InstanceMapping[]> {
    if (cellUuids.length === 0) return []
    const all = this.#db
      .selectFrom('instance_mappings')
      .selectAll()
      .where('cell_uuid', 'in', among(cellUuids))
      .where('is_deleted', '=', 0)
      .orderBy('created_at', 'desc')
      .orderBy('instance_id')
    const rows = await (projectId === undefined ? all : all.where('project_id', '=', projectId)).execute()
    return rows.map(fromRow)
  }

  /** Cells in which the project has servers. */
  async cellsOf(projectId: string): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('instance_mappings')
      .select('cell_uuid')
      .distinct()
      .where('project_id', '=', projectId)
      .execute()
    return rows.map(row => row.cell_uuid)
  }

  async isUsed(cellUuid: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('instance_mappings')
      .select('instance_id')
      .where('cell_uuid', '=', cellUuid)
      .limit(1)
      .executeTakeFirst()
    return row !== undefined
  }

  /** False where the server is mapped already. */
  add(mapping: InstanceMapping): Promise<boolean> {
    return insertIgnore(this.#db, 'instance_mappings', toRow(mapping))
  }

  /** How far the servers of a cell have been mapped: the number of the last one; 0 before the first. */
  async marker(cellUuid: string): Promise<number> {
    const row = await this.#db
      .selectFrom('api_marks')
      .select('number')
      .where('name', '=', markerOf(cellUuid))
      .executeTakeFirst()
    return Number(row?.number ?? 0)
  }

  async setMarker(cellUuid: string, number: number): Promise<void> {
    const name = markerOf(cellUuid)
    if (number === 0) await this.#db.deleteFrom('api_marks').where('name', '=', name).execute()
    else await upsert(this.#db, 'api_marks', { name, number }, ['name'])
  }

  /** The server is in this cell now, wherever it was. */
  put(mapping: InstanceMapping): Promise<void> {
    return upsert(this.#db, 'instance_mappings', toRow(mapping), ['instance_id'])
  }

  /** The server is deleted, or restored. Does nothing for one without a mapping. */
  async markDeleted(instanceId: string, isDeleted: boolean): Promise<void> {
    await this.#db
      .updateTable('instance_mappings')
      .set({ is_deleted: isDeleted ? 1 : 0 })
      .where('instance_id', '=', instanceId)
      .execute()
  }

  async remove(instanceId: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('instance_mappings')
      .where('instance_id', '=', instanceId)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  async removeCell(cellUuid: string): Promise<void> {
    await this.#db.deleteFrom('instance_mappings').where('cell_uuid', '=', cellUuid).execute()
  }
}
