import { affected, among, insertIgnore } from '../engine/index.ts'
import type { Db } from '../tables.ts'

export interface HostMapping {
  readonly host: string
  readonly cellUuid: string
}

/** Which cell each host with nova-compute is in; written when hosts are discovered. */
export class HostMappings {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async cellOf(host: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('host_mappings')
      .select('cell_uuid')
      .where('host', '=', host)
      .executeTakeFirst()
    return row?.cell_uuid
  }

  /** By host; all of them, or those of one cell. */
  async list(cellUuid?: string): Promise<readonly HostMapping[]> {
    const all = this.#db.selectFrom('host_mappings').selectAll().orderBy('host')
    const rows = await (cellUuid === undefined ? all : all.where('cell_uuid', '=', cellUuid)).execute()
    return rows.map(row => ({ host: row.host, cellUuid: row.cell_uuid }))
  }

  /** Of these hosts, those that are in a cell already. */
  async known(hosts: readonly string[]): Promise<readonly HostMapping[]> {
    if (hosts.length === 0) return []
    const rows = await this.#db.selectFrom('host_mappings').selectAll().where('host', 'in', among(hosts)).execute()
    return rows.map(row => ({ host: row.host, cellUuid: row.cell_uuid }))
  }

  /** False where the host is in a cell already. */
  add({ host, cellUuid }: HostMapping, nowMs: number): Promise<boolean> {
    return insertIgnore(this.#db, 'host_mappings', { host, cell_uuid: cellUuid, created_at: nowMs })
  }

  async remove(host: string): Promise<boolean> {
    const result = await this.#db.deleteFrom('host_mappings').where('host', '=', host).executeTakeFirstOrThrow()
    return affected(result) > 0
  }

  async removeCell(cellUuid: string): Promise<void> {
    await this.#db.deleteFrom('host_mappings').where('cell_uuid', '=', cellUuid).execute()
  }
}
