import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { createDatabase, type Database, inTransaction, type Migration, migrate, openDatabase } from '#store/engine'
import { fastFolder } from '../database/index.ts'
import { type MariaServer, startMariaServer } from '../database/maria-server.ts'
import { halfWay } from './schema.ts'

interface Tables {
  firsts: { id: number; word: string }
}

const folder = mkdtempSync(join(fastFolder(), 'migrate-'))
let server: MariaServer
before(async () => {
  server = await startMariaServer(folder)
})
after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

async function withDatabase(name: string, work: (open: () => Database<Tables>, url: string) => Promise<void>) {
  const url = server.url(name)
  await createDatabase(url)
  const opened: Database<Tables>[] = []
  const open = () => {
    const db = openDatabase<Tables>(url)
    opened.push(db)
    return db
  }
  try {
    await work(open, url)
  } finally {
    for (const db of opened) await db.destroy()
  }
}

const tablesIn = async (db: Database<Tables>): Promise<readonly string[]> =>
  (
    await sql<{ name: string }>`select table_name as name from information_schema.tables
    where table_schema = database() and table_name not like 'engine%' order by 1`.execute(db)
  ).rows.map(row => row.name)

test('of processes that start at once one migrates, and the others go on when it has', async () => {
  await withDatabase('together', async open => {
    let runs = 0
    const counted = halfWay(async () => {
      runs++
    })
    await Promise.all(Array.from({ length: 6 }, () => migrate(open(), 'test', [counted])))
    assert.equal(runs, 1)
    assert.deepEqual(await tablesIn(open()), ['firsts', 'seconds', 'test_migrations'])
  })
})

test('a migration that was killed in its middle is run again by the next process', async () => {
  await withDatabase('killed', async (open, url) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'half-migrated.ts'), url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    assert.equal(line, 'half')
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    const db = open()
    assert.deepEqual(await tablesIn(db), ['firsts', 'test_migrations'])
    const others = [migrate(open(), 'test', [halfWay()]), migrate(open(), 'test', [halfWay()])]
    // The dead one has the right to migrate for a minute; here it is over.
    await sql`update engine_migrator set until_at = now() - interval 1 second`.execute(db)
    await Promise.all(others)
    assert.deepEqual(await tablesIn(db), ['firsts', 'seconds', 'test_migrations'])
    await db.insertInto('firsts').values({ id: 1, word: 'there' }).execute()
  })
})

test("somebody else's table is not taken for one of ours, however often it is tried", async () => {
  await withDatabase('strangers', async open => {
    const db = open()
    await sql`create table firsts (other text)`.execute(db)
    for (let tries = 0; tries < 3; tries++) await assert.rejects(migrate(db, 'test', [halfWay()]), /already exists/)
    await sql`drop table firsts`.execute(db)
    await migrate(db, 'test', [halfWay()])
  })
})

test('a database of the Python Nova is left alone', async () => {
  await withDatabase('python', async open => {
    const db = open()
    await sql`create table alembic_version (version_num varchar(32) not null)`.execute(db)
    await assert.rejects(migrate(db, 'test', [halfWay()]), /belongs to the Python Nova/)
    assert.deepEqual(await tablesIn(db), ['alembic_version', 'test_migrations'])
  })
})

test('later migrations follow, each once', async () => {
  await withDatabase('later', async open => {
    const db = open()
    const more: Migration = {
      name: '002',
      up: async ({ schema }) => {
        await schema.alterTable('firsts').addColumn('note', 'text').execute()
      },
    }
    await migrate(db, 'test', [halfWay()])
    await migrate(db, 'test', [halfWay(), more])
    await migrate(db, 'test', [halfWay(), more])
    const { rows } = await sql<{ name: string; state: string }>`select * from test_migrations order by name`.execute(db)
    assert.deepEqual(rows, [
      { name: '001', state: 'done' },
      { name: '002', state: 'done' },
    ])
  })
})

test('a user who may not create tables works on a schema that is there', async () => {
  await withDatabase('rights', async (open, url) => {
    const db = open()
    await migrate(db, 'test', [halfWay()])
    await sql`create user worker`.execute(db)
    await sql`grant select, insert, update, delete on rights.* to worker`.execute(db)
    const worker = openDatabase<Tables>(url.replace('root@', 'worker@'))
    await migrate(worker, 'test', [halfWay()])
    await inTransaction(worker, tx => tx.insertInto('firsts').values({ id: 1, word: 'mine' }).execute())
    assert.equal((await worker.selectFrom('firsts').selectAll().execute()).length, 1)
    await worker.destroy()
  })
})
