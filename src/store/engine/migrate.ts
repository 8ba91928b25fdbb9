import { type Kysely, sql } from 'kysely'
import { poolOf } from './mysql/dialect.ts'
import { migrateMysql } from './mysql/migrate.ts'

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

/** Each in its own transaction. A migration's name is written first, so that the second waits for it and then finds it. */
async function migrateSqlite<T>(db: Kysely<T>, schema: string, migrations: readonly Migration[]): Promise<void> {
  const table = sql.table(`${schema}_migrations`)
  await sql`create table if not exists ${table} (name varchar(255) primary key)`.execute(db)
  const { rows } = await sql<{ name: string }>`select name from ${table}`.execute(db)
  const done = new Set(rows.map(r => r.name))
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
