/** The store's engine on MariaDB: what a server, other connections and a network can do to it, and SQLite cannot. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { silentLog, waitFor } from '#base'
import {
  affected,
  createDatabase,
  type Database,
  type DatabaseOptions,
  DatabaseOutcomeUnknown,
  DatabaseUnavailable,
  insertIgnore,
  inTransaction,
  migrate,
  openDatabase,
  Resident,
  readDatabaseUrl,
  type Shapes,
  takeTurns,
  upsert,
} from '#store/engine'
import { markCommit, wasCommitted } from '../../src/store/engine/mysql/commits.ts'
import { Wire } from '../../src/store/engine/mysql/wire.ts'
import { fastFolder } from '../database/index.ts'
import { type MariaServer, startMariaServer } from '../database/maria-server.ts'
import { Gate } from './gate.ts'

interface Tables {
  counters: { id: string; value: number }
  seats: { number?: number; holder: string }
  people: { id: string; name: string; note: string | null }
}

const folder = mkdtempSync(join(fastFolder(), 'engine-'))
let server: MariaServer
let gate: Gate
let direct: Database<Tables>
let db: Database<Tables>

const tables = {
  name: '001',
  up: async ({ schema }: Kysely<never>) => {
    await schema
      .createTable('counters')
      .addColumn('id', 'varchar(36)', c => c.primaryKey())
      .addColumn('value', 'integer', c => c.notNull())
      .execute()
    await schema
      .createTable('seats')
      .addColumn('number', sql`integer primary key autoincrement`)
      .addColumn('holder', 'varchar(255)', c => c.notNull())
      .execute()
    await schema
      .createTable('people')
      .addColumn('id', 'varchar(36)', c => c.primaryKey())
      .addColumn('name', 'varchar(255)', c => c.notNull().unique())
      .addColumn('note', 'text')
      .execute()
  },
}

const quick: DatabaseOptions = { pauseMs: 20, longestPauseMs: 200, startPauseMs: 20, startTries: 1000, tries: 200 }
const through = (name: string, options: DatabaseOptions = {}): Database<Tables> =>
  openDatabase<Tables>(`mysql+pymysql://root@localhost/${name}?unix_socket=${gate.socket}`, { ...quick, ...options })

before(async () => {
  server = await startMariaServer(folder)
  gate = await Gate.open(folder, server.socket)
  await createDatabase(server.url('engine'))
  direct = openDatabase<Tables>(server.url('engine'), quick)
  await migrate(direct, 'test', [tables])
  db = through('engine')
})
after(async () => {
  await db.destroy()
  await direct.destroy()
  await gate.close()
  await server.stop()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  for (const table of ['counters', 'seats', 'people'] as const) await direct.deleteFrom(table).execute()
  await direct
    .insertInto('counters')
    .values([
      { id: 'a', value: 0 },
      { id: 'b', value: 0 },
    ])
    .execute()
})

const valueOf = async (id: string): Promise<number> =>
  (await direct.selectFrom('counters').select('value').where('id', '=', id).executeTakeFirstOrThrow()).value

const add = (on: Kysely<Tables>, id: string, amount = 1) =>
  on
    .updateTable('counters')
    .set(e => ({ value: e('value', '+', amount) }))
    .where('id', '=', id)
    .executeTakeFirstOrThrow()

test('an update counts the rows that it found, as compare-and-set asks', async () => {
  const same = db.updateTable('counters').set({ value: 0 }).where('id', '=', 'a')
  assert.equal(affected(await same.executeTakeFirstOrThrow()), 1)
  assert.equal(affected(await same.where('value', '=', 7).executeTakeFirstOrThrow()), 0)
})

test('texts are the same when their bytes are', async () => {
  for (const name of ['Ada', 'ada', 'ada ', 'Åda'])
    assert.equal(await insertIgnore(db, 'people', { id: name, name, note: null }), true, name)
  assert.equal(await insertIgnore(db, 'people', { id: 'x', name: 'ada', note: null }), false)
  const names = await db.selectFrom('people').select('name').orderBy('name').execute()
  assert.deepEqual(
    names.map(row => row.name),
    ['Ada', 'ada', 'ada ', 'Åda'],
  )
})

test('an upsert takes no other unique key for its own', async () => {
  await upsert(db, 'people', { id: '1', name: 'Ada', note: null }, ['id'])
  await upsert(db, 'people', { id: '1', name: 'Ada', note: 'changed' }, ['id'])
  await assert.rejects(upsert(db, 'people', { id: '2', name: 'Ada', note: 'stolen' }, ['id']), /Duplicate entry/)
  assert.deepEqual(await db.selectFrom('people').selectAll().execute(), [{ id: '1', name: 'Ada', note: 'changed' }])
})

test('transactions that stop each other are run again until both are through', async () => {
  const cross = (first: string, second: string) =>
    inTransaction(db, async tx => {
      await add(tx, first)
      await add(tx, second)
    })
  await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? cross('a', 'b') : cross('b', 'a'))))
  assert.deepEqual([await valueOf('a'), await valueOf('b')], [40, 40])
})

test('code that swallows the error of a deadlock does not go on outside its transaction', async () => {
  let runs = 0
  const careless = (first: string, second: string) =>
    inTransaction(db, async tx => {
      runs++
      await add(tx, first)
      await add(tx, second).catch(() => undefined)
      await tx
        .insertInto('seats')
        .values({ holder: `${first}${second}` })
        .execute()
    })
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? careless('a', 'b') : careless('b', 'a'))))
  assert.deepEqual([await valueOf('a'), await valueOf('b')], [20, 20])
  assert.equal((await direct.selectFrom('seats').selectAll().execute()).length, 20)
  assert.ok(runs >= 20)
})

test('of many that count and then insert, as many get in as there is room for', async () => {
  const room = 5
  const sit = (holder: string) =>
    inTransaction(db, async tx => {
      await takeTurns(tx, ['the seats'])
      const taken = await tx.selectFrom('seats').selectAll().execute()
      if (taken.length >= room) return false
      await tx.insertInto('seats').values({ holder }).execute()
      return true
    })
  const got = await Promise.all(Array.from({ length: 30 }, (_, i) => sit(`guest ${i}`)))
  assert.equal(got.filter(Boolean).length, room)
  assert.equal((await direct.selectFrom('seats').selectAll().execute()).length, room)
})

test('rows in memory are read anew when somebody else has changed them, before anything is decided', async () => {
  const shapes: Shapes<Pick<Tables, 'people'>> = { people: { key: ['id'], indexes: { name: row => row.name } } }
  const load = () => Resident.load(db as unknown as Database<Pick<Tables, 'people'>>, shapes)
  const both = [await load(), await load()]
  const tried = Array.from({ length: 20 }, (_, i) => {
    const resident = both[i % 2]
    assert.ok(resident !== undefined)
    const people = resident.table('people')
    return resident.change(change => {
      if (people.by('name', 'Ada').length > 0) return false
      change.put('people', { id: `${i}`, name: 'Ada', note: null })
      return true
    })
  })
  assert.deepEqual((await Promise.all(tried)).filter(Boolean), [true])
  for (const resident of both) {
    await resident.change(change =>
      change.put('people', { id: `of ${both.indexOf(resident)}`, name: `${both.indexOf(resident)}`, note: null }),
    )
  }
  assert.deepEqual(
    both.map(resident => resident.table('people').size),
    [2, 3],
  )
})

test('a connection that breaks inside a transaction is no end of it', async () => {
  const cut = gate.cut('commit', 'before')
  let runs = 0
  await inTransaction(db, async tx => {
    runs++
    await add(tx, 'a')
    if (runs === 1) gate.cutAll()
  })
  assert.equal(await valueOf('a'), 1)
  // The second run's commit was cut as well, before the server heard of it.
  await cut
  assert.ok(runs >= 3)
})

for (const cut of ['before', 'after'] as const) {
  test(`a commit whose answer is lost (${cut} the server has done it) happens once`, async () => {
    const lost = gate.cut('commit', cut)
    let runs = 0
    const result = await inTransaction(db, async tx => {
      runs++
      await add(tx, 'a')
      return `run ${runs}`
    })
    await lost
    assert.equal(await valueOf('a'), 1)
    assert.equal(result, cut === 'after' ? 'run 1' : 'run 2')
  })
}

for (const end of ['commit', 'rollback'] as const) {
  test(`whether a transaction was committed is told when the server is done with it (${end})`, async () => {
    const address = readDatabaseUrl(server.url('engine'))
    assert.ok(address.kind === 'mysql')
    const open = () => Wire.open(address, { sqlMode: null, wsrepSyncWait: null }, 0)
    const [first, second] = [await open(), await open()]
    await first.say('start transaction')
    const mark = await markCommit(first, 0)
    let told: boolean | undefined
    const asking = wasCommitted(second, mark, 0).then(answer => (told = answer))
    const isWaiting = async () => {
      const { rows } = await sql`select 1 from information_schema.innodb_lock_waits`.execute(direct)
      return rows.length > 0 || undefined
    }
    // MariaDB shows the same again to whoever looks more often than ten times a second.
    await waitFor('the question to wait', isWaiting, { deadlineMs: 60_000, everyMs: 200 })
    assert.equal(told, undefined)
    await first.say(end)
    assert.equal(await asking, end === 'commit')
    await Promise.all([first.end(), second.end()])
  })
}

test('a read goes on when its connection breaks; of a single write the outcome is told to be unknown', async () => {
  await db.selectFrom('counters').selectAll().execute()
  const reading = gate.cut('execute', 'after')
  assert.equal((await db.selectFrom('counters').selectAll().execute()).length, 2)
  await reading
  // Prepared before, so that the next thing said is its run.
  await add(db, 'a')
  const writing = gate.cut('execute', 'after')
  await assert.rejects(add(db, 'a'), (error: unknown) => DatabaseOutcomeUnknown.is(error))
  await writing
  assert.equal(await valueOf('a'), 2)
})

test('connections are bounded, and who waits too long for one is told so', async () => {
  const small = through('engine', { maxPoolSize: 1, maxOverflow: 2, poolTimeoutMs: 30_000 })
  const earlier = gate.connections
  const asked = Array.from({ length: 30 }, () => sql`select sleep(0.02)`.execute(small))
  await waitFor('connections', () => gate.connections === earlier + 3 || undefined, { deadlineMs: 60_000 })
  await Promise.all(asked)
  assert.ok(gate.connections <= earlier + 3)
  await waitFor('all but one to close', () => gate.connections <= earlier + 1 || undefined, { deadlineMs: 60_000 })
  await small.destroy()
  const busy = through('engine', { maxPoolSize: 1, maxOverflow: 0, poolTimeoutMs: 10 })
  const long = sql`select sleep(1)`.execute(busy)
  await assert.rejects(busy.selectFrom('seats').selectAll().execute(), (error: unknown) =>
    DatabaseUnavailable.is(error),
  )
  await long
  await busy.destroy()
})

test('a server that is killed and started again costs latency, and nothing that was acknowledged', async () => {
  let acknowledged = 0
  let isOver = false
  const worker = async () => {
    while (!isOver) {
      await inTransaction(db, async tx => {
        await add(tx, 'a')
        await add(tx, 'b', -1)
      })
      acknowledged++
    }
  }
  const workers = Array.from({ length: 8 }, worker)
  for (let kills = 0; kills < 3; kills++) {
    const sofar = acknowledged
    await waitFor('some work', () => acknowledged > sofar + 20 || undefined, { deadlineMs: 30_000 })
    await server.kill()
    await server.start()
  }
  const last = acknowledged
  await waitFor('work to go on', () => acknowledged > last + 20 || undefined, { deadlineMs: 30_000 })
  isOver = true
  await Promise.all(workers)
  assert.deepEqual([await valueOf('a'), await valueOf('b')], [acknowledged, -acknowledged])
})

test('a database that is not there at the start is waited for, and a wrong password is not', async () => {
  await server.kill()
  const early = openDatabase<Tables>(server.url('engine'), { ...quick, log: silentLog })
  const asked = early.selectFrom('counters').selectAll().execute()
  await server.start()
  assert.equal((await asked).length, 2)
  await early.destroy()
  const stranger = openDatabase<Tables>(`mysql://nobody:secret@localhost/engine?unix_socket=${server.socket}`, {
    ...quick,
    startTries: 1000,
  })
  await assert.rejects(stranger.selectFrom('counters').selectAll().execute(), /Access denied/)
  await stranger.destroy()
})
