import { declareFault } from '#base'
import { apiMigrations } from './api-db/migrations.ts'
import { cellMigrations } from './cell-db/migrations.ts'
import { type DatabaseOptions, type Migration, migrate, migrationsDone, openDatabase } from './engine/index.ts'

/** Nova's two schemas; they may be in one database. */
export type SchemaName = 'api' | 'cell'

const migrations: Readonly<Record<SchemaName, readonly Migration[]>> = { api: apiMigrations, cell: cellMigrations }

export const NoSuchVersion = declareFault(
  'NoSuchVersion',
  'refused',
  (p: { version: string }) => `There is no version ${p.version} of the schema; a version is the name of a migration.`,
)

interface Place {
  readonly url: string
  readonly options: DatabaseOptions
}

/** Brings a schema to its newest version, or to this one if it is not there yet: it never goes back. */
export async function syncSchema(schema: SchemaName, { url, options }: Place, version?: string): Promise<void> {
  const all = migrations[schema]
  const last = version === undefined ? all.length - 1 : all.findIndex(({ name }) => name === version)
  if (last < 0) throw NoSuchVersion({ version: version ?? '' })
  const db = openDatabase<never>(url, options)
  try {
    await migrate(db, schema, all.slice(0, last + 1))
  } finally {
    await db.destroy()
  }
}

/** The newest migration that a schema has behind it; undefined before the first. */
export async function schemaVersion(schema: SchemaName, { url, options }: Place): Promise<string | undefined> {
  const db = openDatabase<never>(url, options)
  try {
    const done = await migrationsDone(db, schema)
    return migrations[schema].findLast(({ name }) => done.has(name))?.name
  } finally {
    await db.destroy()
  }
}
