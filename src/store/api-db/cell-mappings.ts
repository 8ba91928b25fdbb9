import type { Selectable } from 'kysely'
import { affected, insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'
import type { ApiTables } from './schema.ts'

/** Nova's own uuid of the cell of servers that never found a host. */
export const cell0Uuid = '00000000-0000-0000-0000-000000000000'

/** A cell as operators wrote it down; the URLs may be templates, see `fillTemplate`. */
export interface CellMapping {
  readonly uuid: string
  readonly name: string | null
  readonly transportUrl: string
  readonly databaseConnection: string
  readonly isDisabled: boolean
}

export type CellMappingChange = Partial<Omit<CellMapping, 'uuid'>>

const fromRow = (row: Selectable<ApiTables['cell_mappings']>): CellMapping => ({
  uuid: row.uuid,
  name: row.name,
  transportUrl: row.transport_url,
  databaseConnection: row.database_connection,
  isDisabled: row.is_disabled === 1,
})

/** Which cells there are. None: there is one, and nobody has to know its name. */
export class CellMappings {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** In the order of their making. */
  async list(): Promise<readonly CellMapping[]> {
    const rows = await this.#db.selectFrom('cell_mappings').selectAll().orderBy('number').execute()
    return rows.map(fromRow)
  }

  async find(uuid: string): Promise<CellMapping | undefined> {
    const row = await this.#db.selectFrom('cell_mappings').selectAll().where('uuid', '=', uuid).executeTakeFirst()
    return row === undefined ? undefined : fromRow(row)
  }

  /** False where there is one with this uuid. */
  add({ uuid, name, ...cell }: CellMapping, nowMs: number): Promise<boolean> {
    return insertIgnore(this.#db, 'cell_mappings', {
      uuid,
      name,
      transport_url: cell.transportUrl,
      database_connection: cell.databaseConnection,
      is_disabled: cell.isDisabled ? 1 : 0,
      created_at: nowMs,
      updated_at: null,
    })
  }

  async change(uuid: string, change: CellMappingChange, nowMs: number): Promise<boolean> {
    const { name, transportUrl, databaseConnection, isDisabled } = change
    const result = await this.#db
      .updateTable('cell_mappings')
      .set({
        updated_at: nowMs,
        ...(name === undefined ? {} : { name }),
        ...(transportUrl === undefined ? {} : { transport_url: transportUrl }),
        ...(databaseConnection === undefined ? {} : { database_connection: databaseConnection }),
        ...(isDisabled === undefined ? {} : { is_disabled: isDisabled ? 1 : 0 }),
      })
      .where('uuid', '=', uuid)
      .executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  async remove(uuid: string): Promise<boolean> {
    const result = await this.#db.deleteFrom('cell_mappings').where('uuid', '=', uuid).executeTakeFirstOrThrow()
    return affected(result) > 0
  }
}
