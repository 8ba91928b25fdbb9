/**
 * While a cloud is upgraded, processes of the release before work on the new schema. Every migration after the first
 * therefore only adds: tables, columns that may be left out, indexes that forbid nothing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { type Migration, openDatabase } from '#store/engine'
import { identityMigrations } from '../../src/embedded/identity/store/migrations.ts'
import { imageMigrations } from '../../src/embedded/image/store/state.ts'
import { migrations as share } from '../../src/embedded/share/store/migrations.ts'
import { migrations as volume } from '../../src/embedded/volume/store/migrations.ts'
import { migrations as network } from '../../src/network/store/migrations.ts'
import { migrations as placement } from '../../src/placement/store/migrations.ts'
import { apiMigrations } from '../../src/store/api-db/migrations.ts'
import { cellMigrations } from '../../src/store/cell-db/migrations.ts'

interface Column {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly dflt_value: string | null
  readonly pk: number
}

interface Table {
  readonly columns: ReadonlyMap<string, Column>
  /** The columns of each index that lets a value in once only. */
  readonly unique: ReadonlySet<string>
}

type Schema = ReadonlyMap<string, Table>

async function rowsOf<Row>(db: Kysely<never>, text: string): Promise<readonly Row[]> {
  return (await sql.raw<Row>(text).execute(db)).rows.map(row => ({ ...row }))
}

async function tableOf(db: Kysely<never>, name: string): Promise<Table> {
  const text = 'name, type, "notnull", dflt_value, pk'
  const columns = await rowsOf<Column>(db, `select ${text} from pragma_table_info('${name}') order by cid`)
  const unique = new Set<string>()
  for (const index of await rowsOf<{ name: string; unique: number }>(db, `pragma index_list("${name}")`)) {
    if (index.unique === 0) continue
    const parts = await rowsOf<{ name: string }>(db, `pragma index_info("${index.name}")`)
    unique.add(parts.map(part => part.name).join())
  }
  return { columns: new Map(columns.map(column => [column.name, column])), unique }
}

async function schemaOf(db: Kysely<never>): Promise<Schema> {
  const found = await rowsOf<{ name: string }>(db, "select name from sqlite_master where type = 'table'")
  const schema = new Map<string, Table>()
  for (const { name } of found) schema.set(name, await tableOf(db, name))
  return schema
}

/** What a program that knows only `before` would stumble over. */
function brokenBy(before: Schema, after: Schema): readonly string[] {
  const broken: string[] = []
  for (const [name, old] of before) {
    const table = after.get(name)
    if (table === undefined) {
      broken.push(`table ${name} is gone`)
      continue
    }
    for (const [column, was] of old.columns) {
      const now = table.columns.get(column)
      if (JSON.stringify(now) !== JSON.stringify(was)) broken.push(`column ${name}.${column} is another one`)
    }
    for (const [column, now] of table.columns) {
      const mayBeLeftOut = now.notnull === 0 || now.dflt_value !== null
      if (!old.columns.has(column) && !mayBeLeftOut) broken.push(`column ${name}.${column} must have a value`)
    }
    for (const columns of table.unique)
      if (!old.unique.has(columns)) broken.push(`${name} takes the same ${columns} no longer twice`)
  }
  return broken
}

async function breaks(migrations: readonly Migration[]): Promise<readonly string[]> {
  const db = openDatabase<never>('sqlite://')
  const broken: string[] = []
  let before: Schema = new Map()
  for (const { name, up } of migrations) {
    await up(db)
    const after = await schemaOf(db)
    broken.push(...brokenBy(before, after).map(what => `${name}: ${what}`))
    before = after
  }
  await db.destroy()
  return broken
}

const schemas: Readonly<Record<string, readonly Migration[]>> = {
  api: apiMigrations,
  cell: cellMigrations,
  placement,
  network,
  identity: identityMigrations,
  image: imageMigrations,
  volume,
  share,
}

for (const [name, migrations] of Object.entries(schemas)) {
  test(`the release before runs on every later schema: ${name}`, async () => {
    assert.deepEqual(await breaks(migrations), [])
  })
}

test('a migration that takes away or asks for more is found', async () => {
  const first = (db: Kysely<never>) =>
    db.schema.createTable('things').addColumn('id', 'integer').addColumn('word', 'varchar(9)').execute()
  const found = await breaks([
    { name: '1', up: first },
    { name: '2', up: db => db.schema.alterTable('things').renameColumn('word', 'text').execute() },
    { name: '3', up: db => db.schema.createIndex('once').on('things').column('id').unique().execute() },
    { name: '4', up: db => sql`alter table things add column more integer not null default 0`.execute(db).then() },
    { name: '5', up: db => db.schema.dropTable('things').execute() },
  ])
  assert.deepEqual(found, [
    '2: column things.word is another one',
    '3: things takes the same id no longer twice',
    '5: table things is gone',
  ])
})
