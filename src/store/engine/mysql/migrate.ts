/**
 * Migrations where a change of the schema cannot be undone.
 *
 * Theory of operation. `engine_migrator` has one row: who migrates this database, and until when he has it for sure; he
 * renews it while he works, and whoever finds it lapsed takes over. A migration's name is written as `begun` before its
 * first statement and as `done` after its last. One that is found begun was left by a crash: it is run again from its
 * beginning, and what is there already is no error then. It is one in the first run: a table of that name belongs to
 * somebody else.
 */
import { Kysely, sql } from 'kysely'
import { newUuid, pause, systemClock } from '#base'
import { BadDatabaseUrl } from '../faults.ts'
import type { Migration } from '../migrate.ts'
import { repeatingDialect } from './dialect.ts'
import { isNoTable, type ServerError } from './errors.ts'
import type { Pool } from './pool.ts'
import { Session } from './session.ts'

/** A table, an index, a column or a row is there already, or what should be dropped is not. */
const alreadyDone = new Set([1050, 1060, 1061, 1062, 1091])

const leaseSeconds = 60
const renewMs = 15_000
const lookMs = 200

type Any = Kysely<Record<string, never>>

const asAny = <T>(db: Kysely<T>): Any => db as unknown as Any

/** Tables by which other programs keep account of a schema of the same names as ours. */
async function mustBeOurs(db: Any): Promise<void> {
  const found = await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = database() and table_name in ('alembic_version', 'migrate_version')`.execute(db)
  if (found.rows.length > 0)
    throw BadDatabaseUrl({ reason: 'the database belongs to the Python Nova; this one needs a database of its own' })
}

/** What is noted of each migration; the table for it is made where there is none. */
async function statesOf(db: Any, schema: string): Promise<ReadonlyMap<string, string>> {
  const table = sql.table(`${schema}_migrations`)
  try {
    const { rows } = await sql<{ name: string; state: string }>`select name, state from ${table}`.execute(db)
    return new Map(rows.map(row => [row.name, row.state]))
  } catch (error) {
    if (!isNoTable(error)) throw error
    await sql`create table if not exists ${table} (name varchar(191) not null primary key, state varchar(16) not null)
      engine=InnoDB default charset=utf8mb4`.execute(db)
    return new Map()
  }
}

/** Names of the migrations that have been brought to their end. */
export async function doneMysql<T>(db: Kysely<T>, schema: string): Promise<ReadonlySet<string>> {
  const table = sql.table(`${schema}_migrations`)
  try {
    const { rows } = await sql<{ name: string }>`select name from ${table} where state = 'done'`.execute(db)
    return new Set(rows.map(({ name }) => name))
  } catch (error) {
    if (!isNoTable(error)) throw error
    return new Set()
  }
}

/** Runs `work` while nobody else migrates this database. */
async function asMigrator<T>(db: Any, work: () => Promise<T>): Promise<T> {
  const me = newUuid()
  const take = async () => {
    const { numAffectedRows } =
      await sql`update engine_migrator set owner = ${me}, until_at = now() + interval ${sql.lit(
        leaseSeconds,
      )} second where id = 1 and (owner is null or owner = ${me} or until_at < now())`.execute(db)
    return numAffectedRows === 1n
  }
  while (!(await take())) await pause(lookMs)
  let stop = () => {}
  const renew = () => {
    stop = systemClock.after(renewMs, () => {
      void take().catch(() => undefined)
      renew()
    })
  }
  renew()
  try {
    return await work()
  } finally {
    stop()
    await sql`update engine_migrator set owner = null where id = 1 and owner = ${me}`.execute(db)
  }
}

async function run(db: Any, pool: Pool, schema: string, migration: Migration, isRepeated: boolean): Promise<void> {
  const table = sql.table(`${schema}_migrations`)
  const { name } = migration
  if (!isRepeated) await sql`insert into ${table} (name, state) values (${name}, 'begun')`.execute(db)
  const mayRepeat = isRepeated ? (error: unknown) => alreadyDone.has((error as ServerError).errno ?? 0) : undefined
  const sessions: Session[] = []
  const repeating = new Kysely<never>({
    dialect: repeatingDialect(pool, () => {
      const session = new Session(pool, mayRepeat)
      sessions.push(session)
      return session
    }),
  })
  try {
    await migration.up(repeating)
  } catch (error) {
    // Nothing was changed: the next run is a first run again, which finds the same.
    if (!isRepeated && sessions.every(session => session.changes === 0))
      await sql`delete from ${table} where name = ${name}`.execute(db)
    throw error
  }
  await sql`update ${table} set state = 'done' where name = ${name}`.execute(db)
}

export async function migrateMysql<T>(
  typed: Kysely<T>,
  pool: Pool,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const db = asAny(typed)
  const isPending = (states: ReadonlyMap<string, string>) => (m: Migration) => states.get(m.name) !== 'done'
  if (!migrations.some(isPending(await statesOf(db, schema)))) return
  await mustBeOurs(db)
  await sql`create table if not exists engine_migrator
    (id integer not null primary key, owner char(36), until_at datetime) engine=InnoDB`.execute(db)
  await sql`insert ignore into engine_migrator (id) values (1)`.execute(db)
  await asMigrator(db, async () => {
    const states = await statesOf(db, schema)
    for (const migration of migrations.filter(isPending(states)))
      await run(db, pool, schema, migration, states.has(migration.name))
  })
}
