import { type ExpressionBuilder, type Selectable, sql } from 'kysely'
import { fromJson, SearchPattern } from '#base'
import { type Flavor, FlavorExists, FlavorIdExists, FlavorNotFound } from '#model'
import { affected, insertIgnore } from '../engine/index.ts'
import type { Db, Tables } from '../tables.ts'
import type { ApiTables } from './schema.ts'

/** A stored flavor with its times. */
export interface StoredFlavor extends Flavor {
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

export interface FlavorList {
  /** Undefined: public and private. */
  readonly isPublic?: boolean
  /** Private flavors of this project count as visible. */
  readonly projectId?: string
  readonly isDisabled?: boolean
  readonly minMemoryMiB?: number
  readonly minRootGiB?: number
  /** Regular expression on the name (2.102). */
  readonly name?: string
  readonly sort: readonly { readonly key: FlavorSortKey; readonly isDescending: boolean }[]
  readonly limit?: number
  /** flavorId of the last flavor of the previous page; unknown ones throw FlavorNotFound. */
  readonly marker?: string
}

/** Sort keys of the API by column. */
const sortColumns = {
  created_at: 'created_at',
  description: 'description',
  disabled: 'is_disabled',
  ephemeral_gb: 'ephemeral_gib',
  flavorid: 'flavor_id',
  id: 'number',
  is_public: 'is_public',
  memory_mb: 'memory_mib',
  name: 'name',
  root_gb: 'root_gib',
  rxtx_factor: 'rxtx_factor',
  swap: 'swap_mib',
  updated_at: 'updated_at',
  vcpus: 'vcpus',
} as const satisfies Record<string, keyof ApiTables['flavors']>
export type FlavorSortKey = keyof typeof sortColumns
export const flavorSortKeys = Object.keys(sortColumns) as readonly FlavorSortKey[]

const fromRow = (row: Selectable<ApiTables['flavors']>): StoredFlavor => ({
  number: row.number,
  flavorId: row.flavor_id,
  name: row.name,
  memoryMiB: row.memory_mib,
  vcpus: row.vcpus,
  rootGiB: row.root_gib,
  ephemeralGiB: row.ephemeral_gib,
  swapMiB: row.swap_mib,
  rxtxFactor: row.rxtx_factor,
  isPublic: row.is_public === 1,
  isDisabled: row.is_disabled === 1,
  description: row.description,
  extraSpecs: fromJson(row.extra_specs_json),
  createdAtMs: row.created_at,
  updatedAtMs: row.updated_at,
})

export class Flavors {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** `FlavorIdExists` or `FlavorExists` when taken. */
  async create(flavor: Omit<Flavor, 'number'>, nowMs: number): Promise<StoredFlavor> {
    const taken = await this.#db
      .selectFrom('flavors')
      .select(['flavor_id', 'name'])
      .where(e => e.or([e('flavor_id', '=', flavor.flavorId), e('name', '=', flavor.name)]))
      .execute()
    if (taken.some(t => t.flavor_id === flavor.flavorId)) throw FlavorIdExists({ id: flavor.flavorId })
    const inserted =
      taken.length === 0 &&
      (await insertIgnore(this.#db, 'flavors', {
        flavor_id: flavor.flavorId,
        name: flavor.name,
        memory_mib: flavor.memoryMiB,
        vcpus: flavor.vcpus,
        root_gib: flavor.rootGiB,
        ephemeral_gib: flavor.ephemeralGiB,
        swap_mib: flavor.swapMiB,
        rxtx_factor: flavor.rxtxFactor,
        is_public: Number(flavor.isPublic),
        is_disabled: Number(flavor.isDisabled),
        description: flavor.description,
        extra_specs_json: JSON.stringify(flavor.extraSpecs),
        created_at: nowMs,
        updated_at: null,
      }))
    if (!inserted) throw FlavorExists({ name: flavor.name })
    return this.get(flavor.flavorId)
  }

  async find(flavorId: string): Promise<StoredFlavor | undefined> {
    const row = await this.#db.selectFrom('flavors').selectAll().where('flavor_id', '=', flavorId).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  /** By flavorId; `FlavorNotFound`. */
  async get(flavorId: string): Promise<StoredFlavor> {
    const flavor = await this.find(flavorId)
    if (flavor === undefined) throw FlavorNotFound({ id: flavorId })
    return flavor
  }

  async list(query: FlavorList): Promise<readonly StoredFlavor[]> {
    const marker = query.marker === undefined ? undefined : await this.get(query.marker)
    let select = this.#db.selectFrom('flavors').selectAll()
    if (query.isPublic !== undefined) {
      const isPublic = Number(query.isPublic)
      const { projectId } = query
      select = select.where(e =>
        projectId === undefined || !query.isPublic
          ? e('is_public', '=', isPublic)
          : e.or([e('is_public', '=', 1), this.#hasAccess(e, projectId)]),
      )
    }
    if (query.isDisabled !== undefined) select = select.where('is_disabled', '=', Number(query.isDisabled))
    if (query.minMemoryMiB !== undefined) select = select.where('memory_mib', '>=', query.minMemoryMiB)
    if (query.minRootGiB !== undefined) select = select.where('root_gib', '>=', query.minRootGiB)
    for (const { key, isDescending } of query.sort) {
      select = select.orderBy(sortColumns[key], isDescending ? 'desc' : 'asc')
    }
    const all = await select.orderBy('number').execute()
    // Flavors are few; cutting the page here keeps multi-key paging exact without a clause per key.
    const pattern = SearchPattern.read(query.name ?? '')
    if (typeof pattern === 'string') throw new Error(`a pattern that is ${pattern} came to the database`)
    const rows = all.filter(row => pattern.isIn(row.name))
    const from = marker === undefined ? 0 : rows.findIndex(r => r.flavor_id === marker.flavorId) + 1
    const page = rows.slice(from, query.limit === undefined ? undefined : from + query.limit)
    return page.map(fromRow)
  }

  #hasAccess(e: ExpressionBuilder<Tables, 'flavors'>, projectId: string) {
    return e.exists(
      e
        .selectFrom('flavor_projects')
        .select(sql`1`.as('one'))
        .whereRef('flavor_projects.flavor_number', '=', 'flavors.number')
        .where('flavor_projects.project_id', '=', projectId),
    )
  }

  async setDescription(flavorId: string, description: string | null, nowMs: number): Promise<StoredFlavor> {
    await this.#db
      .updateTable('flavors')
      .set({ description, updated_at: nowMs })
      .where('flavor_id', '=', flavorId)
      .execute()
    return this.get(flavorId)
  }

  /** Call in a transaction: the old set is read and the new one written. */
  async setExtraSpecs(flavorId: string, extraSpecs: Readonly<Record<string, string>>, nowMs: number): Promise<void> {
    const result = await this.#db
      .updateTable('flavors')
      .set({ extra_specs_json: JSON.stringify(extraSpecs), updated_at: nowMs })
      .where('flavor_id', '=', flavorId)
      .executeTakeFirstOrThrow()
    if (affected(result) === 0) throw FlavorNotFound({ id: flavorId })
  }

  async delete(flavorId: string): Promise<void> {
    const flavor = await this.get(flavorId)
    await this.#db.deleteFrom('flavor_projects').where('flavor_number', '=', flavor.number).execute()
    await this.#db.deleteFrom('flavors').where('number', '=', flavor.number).execute()
  }

  async projects(flavor: Flavor): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('flavor_projects')
      .select('project_id')
      .where('flavor_number', '=', flavor.number)
      .orderBy('project_id')
      .execute()
    return rows.map(r => r.project_id)
  }

  /** False when the project had access already. */
  addProject(flavor: Flavor, projectId: string): Promise<boolean> {
    return insertIgnore(this.#db, 'flavor_projects', { flavor_number: flavor.number, project_id: projectId })
  }

  /** False when the project had no access. */
  async removeProject(flavor: Flavor, projectId: string): Promise<boolean> {
    const result = await this.#db
      .deleteFrom('flavor_projects')
      .where('flavor_number', '=', flavor.number)
      .where('project_id', '=', projectId)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }
}
