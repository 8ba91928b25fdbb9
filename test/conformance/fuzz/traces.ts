import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Rows by `service.table`, each row as text. */
export type Rows = ReadonlyMap<string, readonly string[]>

/** What goes on by itself: reports of hosts, leases, logins; and what the scheduler decided is written down a moment later. */
const restless = new Set([
  'nova.services',
  'nova.compute_nodes',
  // Only say that somebody should look again.
  'nova.host_marks',
  'nova.api_marks',
  'nova.scheduling_decisions',
  'nova.scheduling_decision_instances',
])
const restlessColumns = new Set(['updated_at', 'lease_until', 'leased_until', 'owner', 'last_checked'])

interface File {
  readonly service: string
  readonly db: DatabaseSync
  version: unknown
  rows: Rows
}

/** Reads the tables of every service beside the services themselves. */
export class Traces {
  readonly #files: File[]

  constructor(folder: string) {
    this.#files = readdirSync(folder)
      .filter(name => name.endsWith('.sqlite'))
      .map(name => ({
        service: name.replace('.sqlite', ''),
        db: new DatabaseSync(join(folder, name), { readOnly: true }),
        version: undefined,
        rows: new Map(),
      }))
  }

  now(): Rows {
    const all = new Map<string, readonly string[]>()
    for (const file of this.#files) {
      const version = file.db.prepare('PRAGMA data_version').get()?.['data_version']
      if (version !== file.version) file.rows = rowsOf(file)
      file.version = version
      for (const [table, rows] of file.rows) all.set(table, rows)
    }
    return all
  }

  /** Rows of `service.table`; of sagas the open ones. */
  rows(table: string): readonly string[] {
    const rows = this.now().get(table)
    if (rows === undefined) throw new Error(`no table ${table}`)
    return rows
  }

  close(): void {
    for (const { db } of this.#files) db.close()
  }
}

function rowsOf({ service, db }: File): Rows {
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  const all = new Map<string, readonly string[]>()
  for (const { name } of tables) {
    const table = `${service}.${String(name)}`
    if (restless.has(table)) continue
    // Those that have ended are a record.
    const which = table === 'nova.sagas' ? " WHERE status = 'open'" : ''
    const rows = db.prepare(`SELECT * FROM "${String(name)}"${which}`).all()
    const calm = rows.map(row => Object.entries(row).filter(([column]) => !restlessColumns.has(column)))
    all.set(table, calm.map(row => JSON.stringify(row)).sort())
  }
  return all
}

/** What is there now and was not before, or the other way round; a line for each. */
export function differences(before: Rows, after: Rows): string[] {
  return [...after].flatMap(([table, rows]) => {
    const old = before.get(table) ?? []
    if (old.length === rows.length && old.every((row, i) => row === rows[i])) return []
    const [had, has] = [new Set(old), new Set(rows)]
    return [
      ...rows.filter(row => !had.has(row)).map(row => `+ ${table} ${row.slice(0, 800)}`),
      ...old.filter(row => !has.has(row)).map(row => `- ${table} ${row.slice(0, 800)}`),
    ]
  })
}
