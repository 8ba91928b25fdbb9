import { sql } from 'kysely'
import { waitFor } from '#base'
import { type Database, openDatabase } from '#store/engine'

interface Tables {
  instances: { id: string; vm_state: string; deleted: number }
}

const patienceMs = 120_000

/**
 * Sees states of servers in the database of a running cloud. Asking the API instead would load the services that are
 * measured; `status` is derived from these columns alone.
 */
export class MariaObserver {
  readonly #db: Database<Tables>
  #asked = 0

  constructor(url: string) {
    this.#db = openDatabase<Tables>(url)
  }

  /** The time (`performance.now()`) at which the server was seen ACTIVE. */
  async active(id: string): Promise<number> {
    const { state } = await this.#until(id, row => row.vm_state === 'active' || row.vm_state === 'error')
    if (state === 'error') throw new Error(`server ${id} went to ERROR`)
    return performance.now()
  }

  async gone(id: string): Promise<void> {
    await this.#until(id, row => row.deleted !== 0)
  }

  async #until(id: string, test: (row: Tables['instances']) => boolean): Promise<{ state: string }> {
    const look = async () => {
      this.#asked++
      const row = await this.#db.selectFrom('instances').selectAll().where('id', '=', id).executeTakeFirst()
      return row !== undefined && test(row) ? { state: row.vm_state } : undefined
    }
    return waitFor(`server ${id}`, look, { deadlineMs: patienceMs, everyMs: 5 })
  }

  /** Statements that the server has run for others than us since its start. */
  async othersStatements(): Promise<number> {
    this.#asked++
    const { rows } = await sql<{ Value: string }>`show global status like 'Questions'`.execute(this.#db)
    return Number(rows[0]?.Value) - this.#asked
  }

  async close(): Promise<void> {
    await this.#db.destroy()
  }
}
