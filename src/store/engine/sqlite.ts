import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { QueryResult } from 'kysely'
import { SearchPattern } from '#base'

/** Statements kept prepared; the product's own statements are far fewer, `IN` lists of many lengths are the rest. */
const cachedStatements = 1000

/**
 * Pages in the write-ahead log before they are copied into the file: 16 MiB. SQLite's own 1000 would stop every request
 * for some 5 ms (two fsyncs) each 30 new servers.
 */
const checkpointPages = 4000

const asInput = (values: readonly unknown[]): SQLInputValue[] =>
  values.map(v => (typeof v === 'boolean' ? Number(v) : v === undefined ? null : (v as SQLInputValue)))

const returnsRows = /^\s*(select|with|pragma|explain)/i

interface Prepared {
  readonly statement: StatementSync
  readonly isReader: boolean
}

/** One open file with a cache of prepared statements. */
export class SqliteFile {
  readonly #db: DatabaseSync
  #lastPattern: { readonly text: string; readonly pattern: SearchPattern } | undefined
  readonly #prepared = new Map<string, Prepared>()

  constructor(path: string, isSynchronous: boolean) {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.#db = new DatabaseSync(path, { timeout: 5000 })
    this.#db.exec('PRAGMA journal_mode = WAL')
    this.#db.exec(`PRAGMA synchronous = ${isSynchronous ? 'NORMAL' : 'OFF'}`)
    this.#db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
    this.#db.exec('PRAGMA foreign_keys = ON')
    // Nova matches names with regular expressions in the database; SQLite leaves the operator to the program.
    this.#db.function('regexp', { deterministic: true }, (pattern, text) =>
      text === null ? 0 : Number(this.#pattern(String(pattern)).isIn(String(text))),
    )
  }

  execute<R>(sql: string, values: readonly unknown[]): QueryResult<R> {
    const { statement, isReader } = this.#prepare(sql)
    if (isReader) return { rows: statement.all(...asInput(values)) as R[] }
    const { changes, lastInsertRowid } = statement.run(...asInput(values))
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  /** Transactions are few words, used all the time. */
  control(sql: 'begin immediate' | 'commit' | 'rollback'): void {
    this.#prepare(sql).statement.run()
  }

  /** The same one for each row of a statement. */
  #pattern(text: string): SearchPattern {
    if (this.#lastPattern?.text === text) return this.#lastPattern.pattern
    const pattern = SearchPattern.read(text)
    if (typeof pattern === 'string') throw new Error(`a pattern that is ${pattern} came to the database`)
    this.#lastPattern = { text, pattern }
    return pattern
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    if (this.#prepared.size >= cachedStatements) {
      const oldest = this.#prepared.keys().next().value
      if (oldest !== undefined) this.#prepared.delete(oldest)
    }
    const prepared = { statement: this.#db.prepare(sql), isReader: returnsRows.test(sql) }
    this.#prepared.set(sql, prepared)
    return prepared
  }

  close(): void {
    this.#prepared.clear()
    this.#db.close()
  }
}
