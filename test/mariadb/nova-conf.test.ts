/** What nova.conf says about the database has its effect on MariaDB. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { systemClock } from '#base'
import { type LoadOptions, loadConfig } from '#config'
import { openStore, type Store } from '#store'
import { createDatabase, openDatabase } from '#store/engine'
import { databaseOptions, openDatabase as openFromConfig } from '../../src/allinone/compose/database.ts'
import { fastFolder } from '../database/index.ts'
import { type MariaServer, startMariaServer } from '../database/maria-server.ts'

const folder = mkdtempSync(join(fastFolder(), 'conf-'))
let server: MariaServer
before(async () => {
  server = await startMariaServer(folder)
  for (const name of ['nova', 'nova_api', 'nova_cell', 'copy']) await createDatabase(server.url(name))
})
after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

const configOf = (overrides: NonNullable<LoadOptions['overrides']>) => loadConfig({ env: {}, overrides })
const nowMs = systemClock.now()

const flavor = (name: string) => ({
  flavorId: name,
  name,
  memoryMiB: 1,
  vcpus: 1,
  rootGiB: 1,
  ephemeralGiB: 0,
  swapMiB: 0,
  rxtxFactor: 1,
  isPublic: true,
  isDisabled: false,
  description: null,
  extraSpecs: {},
})

const namesIn = async (store: Store) => (await store.flavors.list({ sort: [] })).map(({ name }) => name)

/** The session as the server sees it, on a connection with these options. */
async function sessionOf(overrides: NonNullable<LoadOptions['overrides']>['database']) {
  const config = configOf({ database: { connection: server.url('nova'), ...overrides } })
  const db = openDatabase(server.url('nova'), databaseOptions(config.database))
  const { rows } = await sql<Record<'mode' | 'isolation' | 'idle', string | number>>`select @@sql_mode as mode,
    @@tx_isolation as isolation, @@idle_transaction_timeout as idle`.execute(db)
  await db.destroy()
  return rows[0]
}

test('a session is strict, sees what is committed, and does not hold its locks when its client is dead', async () => {
  const session = await sessionOf({})
  assert.match(String(session?.mode), /TRADITIONAL/)
  assert.deepEqual([session?.isolation, session?.idle], ['READ-COMMITTED', 60])
})

test('mysql_sql_mode is the mode of the session; an empty one leaves the server its own', async () => {
  assert.equal(
    (await sessionOf({ mysql_sql_mode: 'ANSI' }))?.mode,
    'REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI',
  )
  assert.match(String((await sessionOf({ mysql_sql_mode: '' }))?.mode), /^STRICT_TRANS_TABLES/)
})

test('options have the defaults of oslo.db, and its units', () => {
  const { log: _, ...options } = databaseOptions(configOf({}).database)
  assert.deepEqual(options, {
    maxPoolSize: 5,
    maxOverflow: 50,
    recycleMs: 3_600_000,
    startTries: 10,
    startPauseMs: 10_000,
    tries: 20,
    pauseMs: 1000,
    pauseGrows: true,
    longestPauseMs: 10_000,
    sqlMode: 'TRADITIONAL',
    parameters: '',
    isSynchronous: true,
  })
  const other = databaseOptions(
    configOf({ database: { pool_timeout: 7, connection_recycle_time: -1, max_overflow: -1, mysql_wsrep_sync_wait: 1 } })
      .database,
  )
  assert.deepEqual([other.poolTimeoutMs, other.recycleMs, other.maxOverflow, other.wsrepSyncWait], [7000, -1, -1, 1])
})

test('the tables of [api_database] are in its database, and one transaction writes to both', async () => {
  const store = await openFromConfig(
    configOf({
      database: { connection: server.url('nova_cell') },
      api_database: { connection: server.url('nova_api') },
    }),
  )
  const register = (tx: Store) =>
    tx.services.register({ host: 'h', binary: 'nova-compute', topic: 'compute', version: 1 }, nowMs)
  const undone = store.transaction(async tx => {
    await tx.flavors.create(flavor('undone'), nowMs)
    await register(tx)
    throw new Error('no')
  })
  await assert.rejects(undone, /^Error: no$/)
  assert.deepEqual([await namesIn(store), await store.services.list()], [[], []])
  await store.transaction(async tx => {
    await tx.flavors.create(flavor('done'), nowMs)
    await register(tx)
  })
  assert.deepEqual([await namesIn(store), (await store.services.list()).length], [['done'], 1])
  await store.close()
  const db = openDatabase(server.url('nova'))
  const { rows } = await sql<{ at: string; name: string }>`select table_schema as at, table_name as name
    from information_schema.tables where table_name in ('flavors', 'services', 'api_migrations', 'cell_migrations')
    order by 2`.execute(db)
  await db.destroy()
  assert.deepEqual(rows, [
    { at: 'nova_api', name: 'api_migrations' },
    { at: 'nova_cell', name: 'cell_migrations' },
    { at: 'nova_api', name: 'flavors' },
    { at: 'nova_cell', name: 'services' },
  ])
})

test('a database that is not there is refused, on either server; no password is told', async () => {
  const open = (connection: string, api?: string) =>
    openFromConfig(
      configOf({
        database: { connection, max_retries: 1 },
        ...(api === undefined ? {} : { api_database: { connection: api, max_retries: 1 } }),
      }),
    )
  const elsewhere = await open(server.url('nova'), 'mysql://nova:secret@127.0.0.1:1/nova_api').catch(String)
  assert.match(String(elsewhere), /cannot be opened/)
  assert.doesNotMatch(String(elsewhere), /secret/)
  const absent = await open(server.url('absent')).catch((error: unknown) => error)
  assert.match(String(absent), /Unknown database 'absent'/)
  const stranger = `mysql://nova:secret@localhost/nova?unix_socket=${server.socket}`
  const denied = await open(stranger).catch((error: unknown) => error)
  assert.match(String(denied), /Access denied for user/)
  assert.doesNotMatch(String(denied), /secret/)
})

test('slave_connection serves reports, and lists only with synchronous_reader = false', async () => {
  for (const name of ['nova', 'copy'] as const) {
    const store = await openStore(server.url(name))
    await store.flavors.create(flavor(name), nowMs)
    await store.close()
  }
  for (const isSynchronous of [true, false]) {
    const store = await openFromConfig(
      configOf({
        database: {
          connection: server.url('nova'),
          slave_connection: server.url('copy'),
          synchronous_reader: isSynchronous,
        },
      }),
    )
    assert.deepEqual(await namesIn(store), ['nova'])
    assert.deepEqual(await namesIn(store.mayLag('reports')), ['copy'])
    assert.deepEqual(await namesIn(store.mayLag('lists')), [isSynchronous ? 'nova' : 'copy'])
    await store.close()
  }
})
