/** nova-manage db and api_db: schemas, the archive of deleted servers, and rows of earlier releases. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import { fromJson, newUuid } from '#base'
import { aSpec } from '#scheduler'
import { cell0Uuid, mappingOf, type Store } from '#store'
import { openDatabase } from '#store/engine'
import { readDate } from '../../src/manage/kit/date.ts'
import { launcher } from '../bin/processes.ts'
import { aServer, Deployment } from './cloud.ts'

const day = 86_400_000
const versionOf = /^\d{4}-\d\d-\d\d-[a-z-]+\n$/

/** How many rows of each of these tables there are. */
async function rowsIn(cloud: Deployment, name: string, ...tables: readonly string[]): Promise<readonly number[]> {
  const db = openDatabase<never>(await cloud.url(name))
  try {
    const counts: number[] = []
    for (const table of tables) {
      const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(db)
      counts.push(Number(rows[0]?.n))
    }
    return counts
  } finally {
    await db.destroy()
  }
}

/** A server with a history. */
async function serverWith(store: Store, deletedAtMs?: number): Promise<string> {
  const server = aServer('host-1')
  const { id } = server
  await store.instances.create([server])
  const requestId = `req-${newUuid()}`
  const asked = { instanceId: id, action: 'create', requestId, userId: 'u', projectId: 'p', startAtMs: Date.now() }
  await store.actions.start(asked)
  await store.actions.startEvent({ instanceId: id, requestId, event: 'build', host: 'host-1', nowMs: Date.now() })
  await store.faults.add({ instanceId: id, code: 500, message: 'no', details: null, host: null, createdAtMs: 1 })
  await store.tags.replace(id, ['one', 'two'])
  await store.requestSpecs.save(id, aSpec())
  if (deletedAtMs !== undefined) await store.instances.softDelete(id, deletedAtMs)
  return id
}
/** Rows of such a server: itself, an action with its event, a fault, two tags, a request spec. */
const rowsOfServer = 7

describe('schemas', () => {
  let cloud: Deployment
  before(async () => {
    cloud = await Deployment.open()
  })
  after(() => cloud.close())

  test('sync up to a version, to the newest, and again; version says where a schema is', async () => {
    const version = async (group: string) => (await cloud.run(group, 'version')).stdout
    assert.deepEqual([await version('api_db'), await version('db')], ['None\n', 'None\n'])
    assert.equal((await cloud.run('api_db', 'sync', '2026-11-22-first')).code, 0)
    assert.equal(await version('api_db'), '2026-11-22-first\n')
    assert.equal((await cloud.run('db', 'sync', '--local_cell', '2026-11-27-moves')).code, 0)
    assert.equal(await version('db'), '2026-11-27-moves\n')
    const unknown = await cloud.run('db', 'sync', '--local_cell', '402')
    assert.deepEqual([unknown.code, unknown.stdout], [255, ''])
    assert.match(unknown.stderr, /^nova-manage: There is no version 402 /)
    const first = await cloud.launch('db', 'sync')
    assert.deepEqual([first.code, first.stdout], [0, 'WARNING: cell0 mapping not found - not syncing cell0.\n'])
    const [api, cell] = [await version('api_db'), await version('db')]
    assert.match(api, versionOf)
    assert.match(cell, versionOf)
    assert.notEqual(cell, '2026-11-27-moves\n')
    await cloud.run('cell_v2', 'map_cell0', '--database_connection', await cloud.url('zero'))
    assert.deepEqual(await cloud.run('db', 'sync'), { code: 0, stdout: '', stderr: '' })
    assert.deepEqual(await rowsIn(cloud, 'zero', 'instances', 'shadow_rows'), [0, 0])
    assert.deepEqual(fromJson((await cloud.run('db', 'version', '--json')).stdout), { version: cell.trim() })
  })

  test('a cell0 that cannot be reached: exit 1', async () => {
    const store = await cloud.store()
    const databaseConnection = 'mysql+pymysql://nova:secret@127.0.0.1:1/nova_cell0'
    await store.cellMappings.change(cell0Uuid, { databaseConnection }, Date.now())
    const { code, stdout } = await cloud.run('db', 'sync')
    assert.equal(code, 1)
    assert.match(stdout, /^ERROR: Could not access cell0: .*127\.0\.0\.1/)
    assert.doesNotMatch(stdout, /secret/)
  })
})

describe('the archive', () => {
  let cloud: Deployment
  let store: Store
  before(async () => {
    cloud = await Deployment.open()
    store = await cloud.store()
  })
  after(() => cloud.close())
  const archive = (...args: readonly string[]) => cloud.run('db', 'archive_deleted_rows', ...args)

  test('moves what is known of deleted servers, with their mappings, and nothing else', async () => {
    const living = await serverWith(store)
    const gone = await serverWith(store, Date.now())
    await store.launchSecrets.keep(gone, { adminPassword: 'secret', files: [] })
    await store.instanceMappings.add(mappingOf(await store.instances.get(gone, { withDeleted: true }), newUuid()))
    const { code, stdout } = await archive('--verbose')
    assert.equal(code, 1)
    assert.equal(
      stdout,
      `+--------------------------+-------------------------+
| Table                    | Number of Rows Archived |
+--------------------------+-------------------------+
| API_DB.instance_mappings | 1                       |
| instance_action_events   | 1                       |
| instance_actions         | 1                       |
| instance_faults          | 1                       |
| instance_tags            | 2                       |
| instances                | 1                       |
| request_specs            | 1                       |
+--------------------------+-------------------------+
`,
    )
    assert.equal(await store.instances.find(gone, { withDeleted: true }), undefined)
    assert.equal(await store.instanceMappings.find(gone), undefined)
    assert.equal(await store.launchSecrets.find(gone), undefined)
    assert.deepEqual(await store.tags.of(living), ['one', 'two'])
    assert.notEqual(await store.requestSpecs.find(living), undefined)
    const tables = ['instances', 'instance_actions', 'instance_action_events', 'instance_faults', 'shadow_rows']
    assert.deepEqual(await rowsIn(cloud, 'nova', ...tables), [1, 1, 1, 1, rowsOfServer])
    assert.deepEqual(await archive('--verbose'), { code: 0, stdout: 'Nothing was archived.\n', stderr: '' })
  })

  test('a server whose deletion still has work to do stays', async () => {
    const id = await serverWith(store, Date.now())
    await store.sagas.add({ id: newUuid(), name: 'server-delete', instanceId: id, input: {} }, {}, Date.now())
    assert.equal((await archive()).code, 0)
    const [open = ''] = await store.sagas.openOf(id)
    await store.sagas.handOver(open)
    assert.equal((await archive()).code, 1)
  })

  test('in rounds, before a time, and the task log where it is asked for', async () => {
    const old = Date.parse('2020-05-05T00:00:00Z')
    for (let i = 0; i < 5; i++) await serverWith(store, old + i * day)
    const recent = await serverWith(store, Date.now())
    const left = async () => (await rowsIn(cloud, 'nova', 'instances'))[0]
    const before = await left()
    assert.equal((await archive('--max_rows', '1')).code, 1)
    assert.equal(await left(), (before ?? 0) - 1)
    const complete = await archive('--before', '2020-05-08', '--max_rows', '1', '--until-complete', '--verbose')
    assert.equal(complete.code, 1)
    assert.match(complete.stdout, /^Archiving\.\.\.\.\.complete\n\+-/)
    assert.equal(await left(), (before ?? 0) - 3)
    await store.taskLog.record(
      { beginMs: old, endMs: old + day },
      { host: 'h', state: 'DONE', message: '', itemCount: 1, errorCount: 0 },
    )
    assert.equal((await archive('--before', '2020-06-01', '--json')).code, 1)
    assert.deepEqual(await rowsIn(cloud, 'nova', 'task_log'), [1])
    const log = await archive('--before', '2020-06-01', '--task-log', '--json')
    assert.deepEqual(fromJson(log.stdout), { archived: { task_log: 1 }, purged: 0, stopped: false })
    assert.notEqual(await store.instances.find(recent, { withDeleted: true }), undefined)
    assert.deepEqual(
      (
        await Promise.all([
          archive('--max_rows', '-1'),
          archive('--max_rows', '2147483648'),
          archive('--before', 'soon'),
        ])
      ).map(({ code }) => code),
      [2, 2, 4],
    )
  })

  test('Ctrl-C ends the rounds, and what is left is for the next run', async () => {
    const [one, two] = [await serverWith(store, 1), await serverWith(store, 2)]
    const args = [
      'db',
      'archive_deleted_rows',
      '--until-complete',
      '--max_rows',
      '1',
      '--verbose',
      '--sleep',
      '600',
      '--before',
      '1970-01-02',
    ]
    const child = spawn(launcher('nova-manage'), ['--config-file', cloud.configFile, ...args], { stdio: 'pipe' })
    let said = ''
    child.stdout.on('data', chunk => {
      said += String(chunk)
      if (said === 'Archiving...') child.kill('SIGINT')
    })
    assert.deepEqual(await once(child, 'close'), [1, null])
    assert.match(said, /^Archiving\.\.\.\.stopped\n\+-/)
    const left = await Promise.all([one, two].map(id => store.instances.find(id, { withDeleted: true })))
    assert.equal(left.filter(server => server !== undefined).length, 1)
    assert.equal((await archive('--before', '1970-01-02')).code, 1)
    await cloud.run('db', 'purge', '--before', '1970-01-02')
  })

  test('purge: before a time or all, and an exit code for each outcome', async () => {
    const purge = (...args: readonly string[]) => cloud.run('db', 'purge', ...args)
    const shadows = async () => (await rowsIn(cloud, 'nova', 'shadow_rows'))[0]
    assert.equal((await purge()).code, 1)
    assert.equal((await purge('--before', 'never')).code, 2)
    assert.equal((await purge('--before', '2019-01-01')).code, 3)
    const all = (await shadows()) ?? 0
    const some = await purge('--before', '2020-06-01', '--verbose')
    assert.equal(some.code, 0)
    assert.match(some.stdout, /^DB: Deleted 5 rows from shadow_instances based on timestamp column stamped_at$/m)
    assert.equal(await shadows(), all - 5 * rowsOfServer - 1)
    assert.equal((await purge('--all')).code, 0)
    assert.equal(await shadows(), 0)
    assert.equal((await purge('--all')).code, 3)
    assert.equal((await archive('--purge')).code, 1)
    assert.equal(await shadows(), 0)
  })

  test('all cells, each by its name', async () => {
    await cloud.run('cell_v2', 'create_cell', '--name', 'cell1')
    await cloud.run('cell_v2', 'map_cell0', '--database_connection', await cloud.url('zero'))
    const zero = await cloud.store('zero')
    await serverWith(zero, Date.now())
    await serverWith(store, Date.now())
    const { code, stdout } = await archive('--all-cells', '--purge', '--json')
    assert.equal(code, 1)
    const { archived, purged } = fromJson<{ archived: Record<string, number>; purged: number }>(stdout)
    assert.deepEqual([archived['cell0.instances'], archived['cell1.instances']], [1, 1])
    assert.equal(purged, 2 * rowsOfServer)
  })
})

test('dates as `date` prints them and as people write them', () => {
  const noon = Date.parse('2026-11-28T12:51:28Z')
  for (const text of [
    '2026-11-28 12:51:28',
    '2026-11-28T12:51:28Z',
    'Sat Nov 28 12:51:28 UTC 2026',
    'Sat Nov 28 12:51:28 PM UTC 2026',
    'Sat 28 Nov 2026 12:51:28 GMT',
    'Sat, 28 Nov 2026 13:51:28 +0100',
    'Sat Nov 28 06:51:28 CST 2026',
  ])
    assert.equal(readDate(text), noon, text)
  assert.equal(readDate('2026-11-28'), Date.parse('2026-11-28T00:00:00Z'))
  assert.equal(readDate('Nov 28 2026'), Date.parse('2026-11-28T00:00:00Z'))
  for (const text of ['', 'soon', '2026-02-31', 'Sat Nov 28 13:51:28 CET 2026', '2026-11-28 25:00:00'])
    assert.throws(() => readDate(text), text)
})

test('request specs of a release without cells go to where their servers are', async t => {
  const cloud = await Deployment.open()
  t.after(() => cloud.close())
  const store = await cloud.store()
  const servers = Array.from({ length: 3 }, () => aServer('host-1'))
  await store.instances.create(servers)
  const [first, second, third] = servers.map(({ id }) => id)
  const db = openDatabase<never>(await cloud.url('api'))
  const old = async (id: string | undefined, spec: object) =>
    sql`insert into request_specs (instance_id, spec_json) values (${id}, ${JSON.stringify(spec)})`.execute(db)
  await old(first, aSpec({ requestedZone: 'a' }))
  await old(second, aSpec({ requestedZone: 'old' }))
  await old(newUuid(), aSpec())
  await store.requestSpecs.save(second ?? '', aSpec({ requestedZone: 'new' }))
  const run = (...args: readonly string[]) => cloud.run('db', 'online_data_migrations', ...args)
  assert.equal((await run('--max-count', '0')).code, 127)
  assert.equal((await run('--max-count', '1')).code, 1)
  const all = await run()
  assert.equal(all.code, 0)
  assert.match(
    all.stdout,
    /^Running batches of 50 until complete\n2 rows matched query move_request_specs_to_cells, 2 migrated\n/,
  )
  assert.match(all.stdout, /^\| move_request_specs_to_cells \| +2 +\| +2 +\|$/m)
  const zones = await Promise.all(
    [first, second, third].map(async id => (await store.requestSpecs.find(id ?? ''))?.requestedZone),
  )
  assert.deepEqual(zones, ['a', 'new', undefined])
  assert.deepEqual(await rowsIn(cloud, 'api', 'request_specs'), [0])
  await db.destroy()
  assert.equal((await run('--json')).code, 0)
})
