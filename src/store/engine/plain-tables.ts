import type { Kysely } from 'kysely'
import { poolOf } from './mysql/dialect.ts'

type Column = readonly [name: string, type: 'text' | 'bigint' | 'integer' | `varchar(${number})`, rule?: 'null' | 'key']

/** Tables by name. Every column is required unless its rule says `null`; those with `key` are the primary key together. */
export type PlainTables = Readonly<Record<string, readonly Column[]>>

export async function createTables({ schema }: Kysely<never>, tables: PlainTables): Promise<void> {
  for (const [name, columns] of Object.entries(tables)) {
    let table = schema.createTable(name)
    for (const [column, type, rule] of columns) {
      table = table.addColumn(column, type, c => (rule === 'null' ? c : c.notNull()))
    }
    const keys = columns.flatMap(([column, , rule]) => (rule === 'key' ? [column] : []))
    await table.addPrimaryKeyConstraint(`${name}_key`, keys as never[]).execute()
  }
}

/** Databases differ in whether an index belongs to its table. */
export async function dropIndex(db: Kysely<never>, name: string, table: string): Promise<void> {
  const drop = db.schema.dropIndex(name)
  await (poolOf(db) === undefined ? drop : drop.on(table)).execute()
}
