import { type Kysely, sql } from 'kysely'

/** One step of a schema's history. Never edited after a release; a change is a new migration. */
export interface Migration {
  readonly name: string
  up(db: Kysely<never>): Promise<void>
}

/**
 * Brings one schema to the newest migration; each in its own transaction. Several schemas may share a database, so each
 * has its own table of what is done: `<schema>_migrations`. A migration's name is written first: of two processes that
 * start at once, the second waits for the first one's transaction and then finds the name.
 */
export async function migrate<T>(db: Kysely<T>, schema: string, migrations: readonly Migration[]): Promise<void> {
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
