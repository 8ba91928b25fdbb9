/** nova-manage cell_v2: what it prints, how it ends, and what is in the databases then. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fromJson, ManualClock, newUuid, silentLog, systemClock, waitFor } from '#base'
import { InProcessBus } from '#bus'
import { loadConfig } from '#config'
import { CellDirectory, cell0Uuid, openStore, type Store } from '#store'
import { openCells } from '../../src/allinone/compose/cells.ts'
import { discoverHostsAtTimes } from '../../src/allinone/compose/discover-hosts.ts'
import { addHost, aServer, Deployment, transportUrl } from './cloud.ts'

/** Exit code and standard output; nothing may be on standard error. */
async function answer(run: ReturnType<Deployment['run']>): Promise<{ code: number | null; stdout: string }> {
  const { code, stdout, stderr } = await run
  assert.equal(stderr, '')
  return { code, stdout }
}

const codes = async (...runs: readonly ReturnType<Deployment['run']>[]) =>
  (await Promise.all(runs)).map(({ code }) => code)

describe('a cloud of one database', () => {
  let cloud: Deployment
  let store: Store
  before(async () => {
    cloud = await Deployment.open()
    store = await cloud.store()
  })
  after(() => cloud.close())

  const setup = (...args: readonly string[]) => answer(cloud.launch('cell_v2', 'simple_cell_setup', ...args))
  const placesOf = async () => {
    const url = await cloud.url('nova')
    const open = (at: string) => openStore(at)
    const directory = new CellDirectory({
      own: store,
      databaseUrl: url,
      transportUrl,
      open,
      clock: systemClock,
      log: silentLog,
    })
    try {
      const ids = [...new Set([...(await store.instances.after(0, 100)).map(({ id }) => id), newUuid()])]
      return await Promise.all(ids.map(async id => (await directory.ofServer(id)).name))
    } finally {
      await directory.close()
    }
  }

  test('without hosts there is nothing to set up: exit 1, and the cloud is as it was', async () => {
    const id = aServer(null)
    await store.instances.create([id])
    const { code, stdout } = await setup()
    assert.equal(code, 1)
    assert.match(
      stdout,
      /^--transport-url not provided in the command line, .*\nNo hosts found to map to cell, exiting\.\n$/,
    )
    assert.deepEqual(await placesOf(), [null, null])
  })

  test('becomes one of cells with its hosts and servers, and is set up once however often it is done', async () => {
    await addHost(store, 'host-1')
    await addHost(store, 'host-2')
    const gone = aServer('host-1')
    await store.instances.create([aServer('host-1'), aServer('host-2'), gone])
    await store.instances.softDelete(gone.id, Date.now())
    const first = await setup('--transport-url', transportUrl)
    assert.deepEqual(first, { code: 0, stdout: 'Cell0 is already setup\n' })
    const state = async () => ({
      cells: await store.cellMappings.list(),
      hosts: await store.hostMappings.list(),
      servers: await store.instanceMappings.ofMany((await store.instances.after(0, 100)).map(({ id }) => id)),
    })
    const { cells, hosts, servers } = await state()
    const [cell0, cell1] = cells
    assert.deepEqual(cell0, {
      uuid: cell0Uuid,
      name: 'cell0',
      transportUrl: 'none:///',
      databaseConnection: `${await cloud.url('nova')}_cell0`,
      isDisabled: false,
    })
    const databaseConnection = await cloud.url('nova')
    assert.deepEqual(cell1, { uuid: cell1?.uuid, name: null, transportUrl, databaseConnection, isDisabled: false })
    assert.deepEqual(
      hosts,
      ['host-1', 'host-2'].map(host => ({ host, cellUuid: cell1?.uuid })),
    )
    assert.deepEqual([...new Set(servers.map(one => one.cellUuid))], [cell1?.uuid])
    assert.deepEqual(
      servers.filter(one => one.isDeleted).map(one => one.instanceId),
      [gone.id],
    )
    assert.equal(servers.length, 4)
    // A server that nobody has mapped is at home, which is cell0 now.
    assert.deepEqual(await placesOf(), [null, null, null, null, 'cell0'])
    const before = await state()
    const second = await setup('--transport-url', transportUrl)
    assert.deepEqual(second, { code: 0, stdout: 'Cell0 is already setup\nAll hosts are already mapped to cell(s).\n' })
    assert.deepEqual(await state(), before)
  })

  test('a setup that was cut off before the cell was written goes on with the same cell', async () => {
    const uuid = (await store.hostMappings.cellOf('host-1')) ?? ''
    await store.cellMappings.remove(uuid)
    await addHost(store, 'host-3')
    assert.equal((await setup()).code, 0)
    assert.equal(await store.hostMappings.cellOf('host-3'), uuid)
    assert.equal((await store.cellMappings.find(uuid))?.transportUrl, transportUrl)
  })

  test('lists: passwords masked, tables as prettytable draws them, JSON', async () => {
    const [{ stdout: table }, { stdout: open }, { stdout: json }, { stdout: hosts }] = await Promise.all([
      answer(cloud.run('cell_v2', 'list_cells')),
      answer(cloud.run('cell_v2', 'list_cells', '--verb')),
      answer(cloud.launch('cell_v2', 'list_cells', '--json')),
      answer(cloud.run('cell_v2', 'list_hosts')),
    ])
    const lines = table.split('\n')
    assert.match(lines[0] ?? '', /^\+-+\+-+\+-+\+-+\+-+\+$/)
    assert.match(lines[1] ?? '', /^\| +Name +\| +UUID +\| +Transport URL +\| +Database Connection +\| Disabled \|$/)
    assert.match(table, /rabbit:\/\/nova:\*\*\*\*@broker:5672\//)
    assert.match(table, / cell0 \| 0{8}-0{4}-0{4}-0{4}-0{12} \| +none:\/\/\/ +\|.*_cell0 \| +False +\|/)
    assert.doesNotMatch(table, /bus-secret/)
    assert.match(open, /nova:bus-secret@broker/)
    assert.deepEqual(
      fromJson<{ name: string; disabled: boolean }[]>(json).map(({ name, disabled }) => [name, disabled]),
      [
        ['', false],
        ['cell0', false],
      ],
    )
    const cell1 = await store.hostMappings.cellOf('host-1')
    assert.match(hosts, new RegExp(`\\| +None +\\| ${cell1} \\| +host-1 +\\|\\n\\| +None +\\| ${cell1} \\| +host-2 `))
  })
})

test('by hand, in any order: no server is lost when the second of cell0 and the cell of the database is written', async () => {
  for (const steps of [
    [['map_cell0'], ['create_cell', '--name', 'one']],
    [['create_cell', '--name', 'one'], ['map_cell0']],
    [['map_cell0'], ['map_cell_and_hosts', '--name', 'one']],
  ]) {
    const cloud = await Deployment.open()
    try {
      const store = await cloud.store()
      await addHost(store, 'host-1')
      const server = aServer('host-1')
      await store.instances.create([server])
      for (const step of steps) assert.equal((await cloud.run('cell_v2', ...step)).code, 0, step.join(' '))
      const [cell] = (await store.cellMappings.list()).filter(one => one.name === 'one')
      assert.ok(cell)
      assert.equal(await store.instanceMappings.cellOf(server.id), cell.uuid)
    } finally {
      await cloud.close()
    }
  }
})

test('[scheduler] discover_hosts_in_cells_interval: new hosts are mapped at times', async t => {
  const cloud = await Deployment.open()
  t.after(() => cloud.close())
  const [own, far] = [await cloud.store(), await cloud.store('far')]
  const clock = new ManualClock()
  const uuid = newUuid()
  const cell = { uuid, name: 'far', transportUrl, databaseConnection: await cloud.url('far'), isDisabled: false }
  await own.cellMappings.add(cell, 0)
  await addHost(far, 'far-1')
  const scheduler = { discover_hosts_in_cells_interval: 30 }
  const config = loadConfig({ files: [cloud.configFile], dirs: [], env: {}, overrides: { scheduler } })
  const shared = { config, store: own, clock, log: silentLog, bus: new InProcessBus() }
  const cells = openCells(shared)
  const stop = discoverHostsAtTimes(shared, cells)
  const found = async (host: string) => {
    await waitFor(
      `${host} to be mapped`,
      async () => {
        clock.advance(30_000)
        return (await own.hostMappings.cellOf(host)) === uuid || undefined
      },
      { deadlineMs: 60_000 },
    )
  }
  await found('far-1')
  await addHost(far, 'far-2')
  await found('far-2')
  stop()
  await cells.close()
})

describe('a cloud of several cells', () => {
  let cloud: Deployment
  let api: Store
  let far: Store
  let cell2 = ''
  before(async () => {
    cloud = await Deployment.open()
    api = await cloud.store()
    far = await cloud.store('far')
  })
  after(() => cloud.close())
  const cell = (...args: readonly string[]) => answer(cloud.run('cell_v2', ...args))

  test('create_cell: URLs from nova.conf or as templates, none twice, none wrong', async () => {
    const farUrl = `{scheme}:///${cloud.folder.slice(1)}/far.sqlite`.replace('///', '////')
    const [own, badBus, badDatabase] = [
      await cell('create_cell', '--name', 'cell1'),
      await cell('create_cell', '--transport-url', 'kafka://u:secret@h', '--database_connection', 'sqlite:////x'),
      await cell(
        'create_cell',
        '--transport-url',
        'rabbit://other/',
        '--database_connection',
        'postgresql://u:secret@h/x',
      ),
    ]
    assert.equal(own.code, 0)
    assert.match(own.stdout, /^--transport-url not provided .*\n--database_connection not provided .*\n$/)
    assert.deepEqual(badBus, {
      code: 1,
      stdout: "Invalid transport URL: Invalid transport_url scheme 'kafka'. Known: rabbit, unix.\n",
    })
    assert.equal(badDatabase.code, 1)
    assert.match(badDatabase.stdout, /^Invalid database connection: .*postgresql/)
    assert.doesNotMatch(badDatabase.stdout, /secret/)
    assert.equal((await cell('create_cell', '--name', 'twin', '--transport-url', 'rabbit://other/')).code, 2)
    const farBus = 'rabbit://{username}:{password}@far:{port}/'
    const urls = ['--transport-url', farBus, '--database_connection', farUrl]
    const made = await cell('create_cell', '--name', 'cell2', '--verbose', '--disabled', ...urls)
    assert.equal(made.code, 0)
    cell2 = made.stdout.trim()
    assert.deepEqual(await api.cellMappings.find(cell2), {
      uuid: cell2,
      name: 'cell2',
      transportUrl: farBus,
      databaseConnection: farUrl,
      isDisabled: true,
    })
    const map = () => cell('map_cell0', '--database_connection', `sqlite:///${cloud.folder}/zero.sqlite`)
    assert.deepEqual(
      [await map(), await map()],
      [
        { code: 0, stdout: '' },
        { code: 0, stdout: 'Cell0 is already setup\n' },
      ],
    )
  })

  test('discover_hosts: new hosts get the cell they are found in; --strict wants one; two at a time do no harm', async () => {
    assert.deepEqual(
      await codes(cloud.run('cell_v2', 'discover_hosts', '--strict'), cloud.run('cell_v2', 'discover_hosts')),
      [1, 0],
    )
    await addHost(far, 'far-1')
    await addHost(far, 'far-2')
    await far.services.register({ host: 'far-3', binary: 'nova-compute', topic: 'compute', version: 1 }, Date.now())
    const [one, two] = await Promise.all([
      answer(cloud.launch('cell_v2', 'discover_hosts', '--verbose')),
      answer(cloud.launch('cell_v2', 'discover_hosts')),
    ])
    assert.deepEqual([one.code, two.code], [0, 0])
    assert.match(one.stdout, /^Found 3 cell mappings\.\n.*'cell2'/s)
    const hosts = async () => (await api.hostMappings.list(cell2)).map(({ host }) => host)
    assert.deepEqual(await hosts(), ['far-1', 'far-2'])
    const byService = await cell('discover_hosts', '--by-service', '--cell_uuid', cell2, '--strict', '--json')
    assert.equal(byService.code, 0)
    assert.deepEqual(fromJson(byService.stdout), { hosts: [{ host: 'far-3', cell_uuid: cell2 }], failed_cells: [] })
    assert.deepEqual(await hosts(), ['far-1', 'far-2', 'far-3'])
    const unknown = await cloud.run('cell_v2', 'discover_hosts', '--cell_uuid', newUuid())
    assert.equal(unknown.code, 255)
    assert.match(unknown.stderr, /^nova-manage: Cell [0-9a-f-]{36} has no mapping\.\n$/)
  })

  test('map_instances: in rounds, from where the last one ended; verify_instance says where each is', async () => {
    const servers = Array.from({ length: 5 }, () => aServer('far-1'))
    await far.instances.create(servers)
    const [first = servers[0]] = servers
    const id = first?.id ?? ''
    const mapped = async () => (await api.instanceMappings.ofMany(servers.map(one => one.id))).length
    const map = (...args: readonly string[]) => cell('map_instances', '--cell_uuid', cell2, ...args)
    assert.equal((await cell('verify_instance', '--uuid', id)).code, 1)
    assert.deepEqual([(await map('--max-count', '2')).code, await mapped()], [1, 2])
    // What was mapped is not looked at again without --reset.
    await api.instanceMappings.remove(id)
    assert.deepEqual([(await map('--max-count', '4')).code, await mapped()], [0, 4])
    assert.deepEqual([(await map('--reset')).code, await mapped()], [0, 5])
    assert.deepEqual(await map('--max-count', 'many'), {
      code: 127,
      stdout: 'Must supply a positive value for max-count\n',
    })
    const home = await cell('map_instances', '--cell_uuid', cell0Uuid)
    assert.equal(home.code, 0)
    assert.match(home.stdout, /need no mapping/)
    const verify = () => cell('verify_instance', '--uuid', id)
    assert.deepEqual(await verify(), { code: 0, stdout: `Instance ${id} is in cell: cell2 (${cell2})\n` })
    await far.instances.softDelete(first?.id ?? aServer(null).id, Date.now())
    assert.equal((await verify()).code, 3)
    await far.serverCarrier.remove(id)
    assert.equal((await verify()).code, 4)
    assert.deepEqual(await cell('verify_instance', '--quiet', '--uuid', id), { code: 4, stdout: '' })
    await api.instanceMappings.remove(id)
  })

  test('update_cell', async () => {
    const update = (...args: readonly string[]) => cloud.run('cell_v2', 'update_cell', '--cell_uuid', ...args)
    const urls = ['--transport-url', 'rabbit://far/', '--database_connection', await cloud.url('far')]
    assert.deepEqual(
      await codes(
        update(newUuid(), ...urls),
        update(cell2, '--name', 'new'),
        update(cell2, ...urls, '--enable', '--disable'),
        update(cell0Uuid, '--transport-url', 'none:///', '--database_connection', 'sqlite:////zero', '--disable'),
        update(cell2, '--transport-url', 'nonsense'),
      ),
      [1, 3, 4, 5, 2],
    )
    assert.equal((await api.cellMappings.find(cell2))?.name, 'cell2')
    assert.deepEqual(await codes(update(cell2, ...urls, '--enable', '--name', 'second')), [0])
    assert.deepEqual(await api.cellMappings.find(cell2), {
      uuid: cell2,
      name: 'second',
      transportUrl: 'rabbit://far/',
      databaseConnection: await cloud.url('far'),
      isDisabled: false,
    })
    assert.match((await answer(update(cell2, ...urls, '--enable'))).stdout, /is already enabled/)
  })

  test('delete_host and delete_cell refuse what is in use', async () => {
    const drop = (uuid: string, host: string) =>
      cloud.run('cell_v2', 'delete_host', '--cell_uuid', uuid, '--host', host)
    const [cell1] = (await api.cellMappings.list()).filter(one => one.name === 'cell1')
    assert.deepEqual(
      await codes(
        drop(newUuid(), 'far-2'),
        drop(cell2, 'nobody'),
        drop(cell1?.uuid ?? '', 'far-2'),
        drop(cell2, 'far-1'),
        drop(cell2, 'far-2'),
      ),
      [1, 2, 3, 4, 0],
    )
    assert.equal(await api.hostMappings.cellOf('far-2'), undefined)
    const remove = (...args: readonly string[]) => cell('delete_cell', '--cell_uuid', ...args)
    assert.equal((await remove(newUuid())).code, 1)
    assert.equal((await remove(cell2)).code, 2)
    assert.equal((await remove(cell2, '--force')).code, 3)
    for (const { id } of await far.instances.after(0, 100)) await far.instances.softDelete(id, Date.now())
    for (const { host } of await api.hostMappings.list(cell2)) await api.hostMappings.remove(host)
    const left = await remove(cell2)
    assert.equal(left.code, 4)
    assert.match(left.stdout, /nova-manage db archive_deleted_rows/)
    assert.equal((await remove(cell2, '--force')).code, 0)
    assert.equal(await api.cellMappings.find(cell2), undefined)
    assert.equal(await api.instanceMappings.isUsed(cell2), false)
  })

  test('a wrong command line is told with usage and exit 2', async () => {
    const [missing, unknown, number] = await Promise.all([
      cloud.launch('cell_v2', 'delete_cell'),
      cloud.launch('cell_v2', 'list_cells', '--no-such'),
      cloud.launch('cell_v2', 'no_such_command'),
    ])
    assert.deepEqual([missing.code, unknown.code, number.code], [2, 2, 2])
    assert.match(missing.stderr, /--cell_uuid <cell_uuid>.*\n\nUsage: nova-manage cell_v2 delete_cell/s)
  })
})
