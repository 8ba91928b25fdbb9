import { type Kysely, sql } from 'kysely'
import { poolOf } from './mysql/dialect.ts'
import { doneMysql, migrateMysql } from './mysql/migrate.ts'

/**
 * One step of a schema's history. Never edited after a release; a change is a new migration.
 *
 * While a cloud is upgraded, processes of the release before run on the new schema: a migration adds tables, columns that may
 * be null or have a default, and indexes. It does not take away or rename, and does not change what a column may hold. It
 * may be run again after a crash in its middle, from its beginning.
 */
export interface Migration {
  readonly name: string
  up(db: Kysely<never>): Promise<void>
}

/**
 * Brings one schema to the newest migration. Several schemas may share a database, so each has its own table of what is
 * done: `<schema>_migrations`. Of processes that start at once one migrates and the others wait.
 */
export async function migrate<T>(db: Kysely<T>, schema: string, migrations: readonly Migration[]): Promise<void> {
  const pool = poolOf(db)
  if (pool === undefined) await migrateSqlite(db, schema, migrations)
  else await migrateMysql(db, pool, schema, migrations)
}

/** Names of the migrations that a schema has behind it; none where it has never been made. Writes nothing. */
export async function migrationsDone<T>(db: Kysely<T>, schema: string): Promise<ReadonlySet<string>> {
  if (poolOf(db) !== undefined) return doneMysql(db, schema)
  const name = `${schema}_migrations`
  const { rows } = await sql`select name from sqlite_master where type = 'table' and name = ${name}`.execute(db)
  return rows.length === 0 ? new Set() : doneSqlite(db, name)
}

async function doneSqlite<T>(db: Kysely<T>, table: string): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(db)
  return new Set(rows.map(r => r.name))
}

/** Each in its own transaction. A migration's name is written first, so that the second waits for it and then finds it. */
async function migrateSqlite<T>(db: Kysely<T>, schema: string, migrations: readonly Migration[]): Promise<void> {
  const table = sql.table(`${schema}_migrations`)
  await sql`create table if not exists ${table} (name varchar(255) primary key)`.execute(db)
  const done = await doneSqlite(db, `${schema}_migrations`)
  for (const migration of migrations) {
    if (done.has(migration.name)) continue
    await db.transaction().execute(async tx => {
      const written = await sql`insert into ${table} (name) values (${migration.name}) on conflict do nothing`.execute(
        tx,
      )
      if (written.numAffectedRows === 1n) await migration.up(tx as unknown as Kysely<never>)
    })
  }
}
