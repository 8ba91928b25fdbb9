/**
 * Small tables that live in memory and are written through to the database.
 *
 * Theory of operation. One process owns the tables. Reads are synchronous and see committed rows only. Changes run
 * one after another: `decide` looks at the rows and lists what to write (synchronously, so nothing can slip in between
 * check and write), the list is committed in one transaction, then applied to the rows in memory. If the commit fails,
 * memory is untouched and the caller gets the error; after kill -9 the next `load` reads exactly what was committed.
 * For tables of some ten thousand rows, read far more often than written.
 *
 * A SQLite file is one process's by the lock of its folder. A database on a server has no such lock: there a mark counts the
 * changes, and every change moves it on from where this process left it. Should somebody else have moved it, the tables are
 * read again and `decide` decides once more, so nothing is ever written on what is no longer true.
 */

import { type Kysely, sql } from 'kysely'
import { SerialQueue } from '#base'
import { poolOf } from './mysql/dialect.ts'
import { upsert } from './portable.ts'
import { inSnapshot, inTransaction } from './transaction.ts'

export interface TableShape<Row> {
  readonly key: readonly (keyof Row & string)[]
  /** Named lookups: rows with the same text are found together by `by`. */
  readonly indexes?: Readonly<Record<string, (row: Row) => string>>
}

export type Shapes<Tables> = { readonly [K in keyof Tables]: TableShape<Tables[K]> }

/** What one change writes, in order. */
export interface Change<Tables> {
  put<K extends keyof Tables & string>(table: K, row: Tables[K]): void
  remove<K extends keyof Tables & string>(table: K, row: Tables[K]): void
}

interface Write<Tables> {
  readonly table: keyof Tables & string
  readonly row: Tables[keyof Tables & string]
  readonly kind: 'put' | 'remove'
}

const joinKey = (parts: readonly unknown[]): string => parts.map(String).join('\u0000')

export class ResidentTable<Row> {
  readonly #shape: TableShape<Row>
  readonly #rows = new Map<string, Row>()
  readonly #indexes = new Map<string, Map<string, Map<string, Row>>>()

  constructor(shape: TableShape<Row>) {
    this.#shape = shape
    for (const name of Object.keys(shape.indexes ?? {})) this.#indexes.set(name, new Map())
  }

  get size(): number {
    return this.#rows.size
  }

  /** The row with these key columns, in the order of the shape. */
  get(...key: (string | number)[]): Row | undefined {
    return this.#rows.get(joinKey(key))
  }

  all(): Row[] {
    return [...this.#rows.values()]
  }

  by(index: string, text: string): Row[] {
    const entries = this.#indexes.get(index)
    if (entries === undefined) throw new Error(`no index ${index}`)
    return [...(entries.get(text)?.values() ?? [])]
  }

  /** For `Resident` only. */
  clear(): void {
    this.#rows.clear()
    for (const entries of this.#indexes.values()) entries.clear()
  }

  /** For `Resident` only: memory follows the database, never the other way round. */
  apply(kind: 'put' | 'remove', row: Row): void {
    const key = joinKey(this.#shape.key.map(column => row[column]))
    const old = this.#rows.get(key)
    if (old !== undefined) this.#unindex(key, old)
    if (kind === 'remove') {
      this.#rows.delete(key)
      return
    }
    this.#rows.set(key, row)
    for (const [name, entries] of this.#indexes) {
      const text = this.#text(name, row)
      const bucket = entries.get(text) ?? new Map<string, Row>()
      bucket.set(key, row)
      entries.set(text, bucket)
    }
  }

  #unindex(key: string, row: Row): void {
    for (const [name, entries] of this.#indexes) {
      const text = this.#text(name, row)
      const bucket = entries.get(text)
      bucket?.delete(key)
      if (bucket?.size === 0) entries.delete(text)
    }
  }

  #text(index: string, row: Row): string {
    return this.#shape.indexes?.[index]?.(row) ?? ''
  }
}

/** The shape-blind view of a database: kysely cannot type a generic table's columns. */
type Loose = Kysely<Record<string, Record<string, unknown>>>

/** Where the database stood when memory was last in line with it. */
class Mark {
  readonly #name: string
  number = 0

  constructor(name: string) {
    this.#name = name
  }

  async read(tx: Kysely<never>): Promise<number> {
    const { rows } = await sql<{ number: number }>`select number from engine_marks where name = ${this.#name}`.execute(
      tx,
    )
    return rows[0]?.number ?? 0
  }

  /** Moves it on; false when it was not where this process left it. Nobody else moves it before the transaction ends. */
  async advance(tx: Kysely<never>): Promise<boolean> {
    const next = sql`update engine_marks set number = number + 1 where name = ${this.#name} and number = ${this.number}`
    if ((await next.execute(tx)).numAffectedRows === 1n) return true
    await sql`insert into engine_marks (name, number) values (${this.#name}, 1)
      on duplicate key update number = number + 1`.execute(tx)
    return (await this.read(tx)) === this.number + 1
  }
}

export class Resident<Tables> {
  readonly #db: Kysely<Tables>
  readonly #shapes: Shapes<Tables>
  readonly #tables = new Map<string, unknown>()
  readonly #queue = new SerialQueue()
  readonly #mark: Mark | undefined

  private constructor(db: Kysely<Tables>, shapes: Shapes<Tables>) {
    this.#db = db
    this.#shapes = shapes
    for (const name in shapes) this.#tables.set(name, new ResidentTable(shapes[name]))
    this.#mark = poolOf(db) === undefined ? undefined : new Mark(Object.keys(shapes)[0] ?? '')
  }

  /** Reads every table of `shapes`; the schema must be migrated already. */
  static async load<Tables>(db: Kysely<Tables>, shapes: Shapes<Tables>): Promise<Resident<Tables>> {
    const resident = new Resident(db, shapes)
    await inSnapshot(db, async tx => {
      await resident.#read(tx)
      if (resident.#mark !== undefined)
        resident.#mark.number = await resident.#mark.read(tx as unknown as Kysely<never>)
    })
    return resident
  }

  async #read(db: Kysely<Tables>): Promise<void> {
    const found: { readonly name: keyof Tables & string; readonly rows: readonly Record<string, unknown>[] }[] = []
    for (const name in this.#shapes)
      found.push({ name, rows: await (db as unknown as Loose).selectFrom<string>(name).selectAll().execute() })
    // At once, so that nobody sees one table without the other.
    for (const { name, rows } of found) {
      const table = this.table(name)
      table.clear()
      for (const row of rows) table.apply('put', { ...row } as Tables[typeof name])
    }
  }

  table<K extends keyof Tables & string>(name: K): ResidentTable<Tables[K]> {
    return this.#tables.get(name) as ResidentTable<Tables[K]>
  }

  /** Commits what `decide` writes, and returns what it returns. A throw in `decide` writes nothing. It may decide again. */
  change<T>(decide: (change: Change<Tables>) => T): Promise<T> {
    return this.#queue.run(async () => {
      let decided = this.#decide(decide)
      if (decided.writes.length === 0) return decided.result
      const mark = this.#mark
      let number = 0
      await inTransaction(this.#db, async tx => {
        if (mark !== undefined && !(await mark.advance(tx as unknown as Kysely<never>))) {
          await this.#read(tx)
          mark.number = (await mark.read(tx as unknown as Kysely<never>)) - 1
          decided = this.#decide(decide)
        }
        if (mark !== undefined) number = mark.number + 1
        await this.#write(tx, decided.writes)
      })
      if (mark !== undefined) mark.number = number
      for (const { table, row, kind } of decided.writes) this.table(table).apply(kind, row)
      return decided.result
    })
  }

  #decide<T>(decide: (change: Change<Tables>) => T): { readonly result: T; readonly writes: readonly Write<Tables>[] } {
    const writes: Write<Tables>[] = []
    const result = decide({
      put: (table, row) => writes.push({ table, row, kind: 'put' }),
      remove: (table, row) => writes.push({ table, row, kind: 'remove' }),
    })
    return { result, writes }
  }

  async #write(tx: Kysely<Tables>, writes: readonly Write<Tables>[]): Promise<void> {
    for (const { table, row, kind } of writes) {
      if (kind === 'put') await upsert(tx, table, row as never, this.#shapes[table].key)
      else await this.#delete(tx, table, row)
    }
  }

  async #delete<K extends keyof Tables & string>(tx: Kysely<Tables>, table: K, row: Tables[K]): Promise<void> {
    let statement = (tx as unknown as Loose).deleteFrom<string>(table)
    for (const column of this.#shapes[table].key) statement = statement.where(column as string, '=', row[column])
    await statement.execute()
  }
}
