import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'

/** Statements kept prepared; the product's own statements are far fewer, `IN` lists of many lengths are the rest. */
const cachedStatements = 1000

const asInput = (values: readonly unknown[]): SQLInputValue[] =>
  values.map(v => (typeof v === 'boolean' ? Number(v) : v === undefined ? null : (v as SQLInputValue)))

const returnsRows = /^\s*(select|with|pragma|explain)/i

/** node:sqlite in the form kysely's dialect asks for, with a cache of prepared statements. */
export class SqliteFile implements SqliteDatabase {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(path: string) {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(path, { timeout: 5000 })
    this.#db.exec('PRAGMA journal_mode = WAL')
    this.#db.exec('PRAGMA synchronous = NORMAL')
    this.#db.exec('PRAGMA foreign_keys = ON')
    // Nova matches names with regular expressions in the database; SQLite leaves the operator to the program.
    this.#db.function('regexp', { deterministic: true }, (pattern, text) =>
      text === null ? 0 : Number(new RegExp(String(pattern)).test(String(text))),
    )
  }

  prepare(sql: string): SqliteStatement {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      if (this.#prepared.size >= cachedStatements) {
        const oldest = this.#prepared.keys().next().value
        if (oldest !== undefined) this.#prepared.delete(oldest)
      }
    } else this.#prepared.delete(sql)
    this.#prepared.set(sql, statement) // most recently used last
    const prepared = statement
    return {
      reader: returnsRows.test(sql),
      all: values => prepared.all(...asInput(values)),
      run: values => {
        const { changes, lastInsertRowid } = prepared.run(...asInput(values))
        return { changes: BigInt(changes), lastInsertRowid: BigInt(lastInsertRowid) }
      },
      iterate: values => prepared.iterate(...asInput(values)) as IterableIterator<unknown>,
    }
  }

  close(): void {
    this.#prepared.clear()
    this.#db.close()
  }
}
