/** Servers of several cells: lists, and what is told of those in a cell that is away. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiDeps, type CellListOptions, createComputeApi, withCells } from '#api'
import { newUuid, silentLog, waitFor } from '#base'
import type { Face } from '#http'
import { Enforcer, novaDefaults } from '#policy'
import type { InstanceMapping, Store } from '#store'
import { DatabaseUnavailable } from '#store/engine'
import { inCells } from '../../src/allinone/compose/compute-api.ts'
import { isOnMysql } from '../database/index.ts'
import { Answer } from './answer.ts'
import type { TestCells } from './cells.ts'
import { Crowd } from './crowd.ts'
import { type ApiCloud, type Ask, type Json, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
let cells: TestCells
/** By name; `nowhere` found no host and is at home. */
const ids: Record<string, string> = {}
const names = ['one-a', 'two-b', 'one-c', 'two-d', 'nowhere', 'one-e']
let lost: InstanceMapping

async function boot(name: string): Promise<string> {
  const isNowhere = name === 'nowhere'
  const host = name.startsWith('one') ? 'host-1' : 'host-2'
  const flavorRef = isNowhere ? await cloud.newFlavor({ name: 'huge', ram: 1024 ** 2 }) : cloud.flavorId
  const fields = { flavorRef, tags: [name], ...(isNowhere ? {} : { availability_zone: `nova:${host}` }) }
  return cloud.bootServer({ name, fields, as: cloud.admin, status: isNowhere ? 'ERROR' : 'ACTIVE' })
}

before(async () => {
  cloud = await startCloud({ cells: { one: ['host-1'], two: ['host-2'], gone: null }, quotas: { ram: -1 } })
  assert.ok(cloud.cells !== undefined)
  cells = cloud.cells
  for (const name of names) ids[name] = await boot(name)
  const [id = ''] = Object.values(ids)
  const like = await cloud.store.instanceMappings.find(id)
  assert.ok(like !== undefined)
  lost = { ...like, instanceId: newUuid(), cellUuid: cells.uuidOf('gone'), createdAtMs: 1_600_000_000_000 }
  const deleted = { ...lost, instanceId: newUuid(), isDeleted: true }
  await cloud.store.instanceMappings.add(lost)
  await cloud.store.instanceMappings.add(deleted)
})
after(() => cloud.close())

const ask = (path: string, more: Ask = {}) => cloud.request('GET', path, { version: newest, as: cloud.admin, ...more })
const list = async (query = '', more: Ask = {}): Promise<Json[]> =>
  (await ask(`/servers${query}`, more)).expect(200).body.servers
const named = (servers: readonly Json[]): string[] => servers.map(server => server.name)
const newestFirst = names.toReversed()

type Get = (path: string, version?: string, as?: Person) => Promise<Answer>

/** The same cloud as another nova-api serves it. */
async function servedBy(change: Partial<ApiDeps>, work: (get: Get, face: Face) => Promise<void>): Promise<void> {
  const { deps } = cloud
  const face = createComputeApi({
    deps: inCells({ ...deps, ...change }, cells),
    identity: deps.identity,
    policy: new Enforcer({ defaults: novaDefaults, log: silentLog, clock: deps.clock }),
  })
  const get: Get = async (path, version = newest, as = cloud.admin) => {
    const headers = { 'x-auth-token': as.token, 'openstack-api-version': `compute ${version}` }
    const { statusCode, body } = await face.inject({ method: 'GET', url: `/v2.1${path}`, headers })
    return new Answer(statusCode, new Headers({ 'content-type': 'application/json' }), body)
  }
  try {
    await work(get, face)
  } finally {
    await face.close()
  }
}

/** With other options of nova.conf. */
function under(change: Partial<CellListOptions>, work: (get: Get) => Promise<void>): Promise<void> {
  const cellLists = { perProject: false, batch: 'distributed' as const, skipsAway: true, ...change }
  return servedBy({ settings: { ...cloud.deps.settings, cellLists } }, work)
}

test('one list of all cells, in the order that is asked for', async () => {
  assert.deepEqual(named(await list('?sort_key=created_at')), newestFirst)
  assert.deepEqual(named(await list('?sort_key=display_name&sort_dir=asc')), names.toSorted())
  // Where the keys say nothing: by id, upwards.
  const byId = Object.values(ids).toSorted()
  assert.deepEqual(
    (await list('?sort_key=project_id&sort_dir=desc')).map(server => server.id),
    byId,
  )
})

test('details are those of the cell', async () => {
  const servers = await list('/detail?sort_key=created_at')
  assert.deepEqual(named(servers), newestFirst)
  for (const server of servers) {
    assert.deepEqual(server.tags, [server.name])
    const isNowhere = server.name === 'nowhere'
    const host = isNowhere ? null : server.name.startsWith('one') ? 'host-1' : 'host-2'
    assert.equal(server['OS-EXT-SRV-ATTR:host'], host)
    assert.equal(server.status, isNowhere ? 'ERROR' : 'ACTIVE')
    assert.equal(server.host_status, isNowhere ? '' : 'UP')
    assert.equal(server.fault?.code, isNowhere ? 500 : undefined)
  }
})

for (const sort of ['sort_key=created_at', 'sort_key=display_name&sort_dir=asc', 'sort_key=host&sort_key=uuid'])
  test(`pages go on where the one before ended, wherever its last server is: ${sort}`, async () => {
    const whole = named(await list(`?${sort}`))
    assert.equal(whole.length, names.length)
    for (const limit of [1, 2, 4]) {
      const found: string[] = []
      let marker = ''
      for (;;) {
        const page = `/servers?${sort}&limit=${limit}${marker}`
        const { servers, servers_links: links }: Json = (await ask(page)).expect(200).body
        assert.ok(servers.length <= limit)
        found.push(...named(servers))
        assert.equal(links !== undefined, servers.length === limit)
        if (servers.length < limit) break
        marker = `&marker=${servers.at(-1).id}`
      }
      assert.deepEqual(found, whole)
    }
  })

test('filters are those of each cell, and markers need not pass them', async () => {
  assert.deepEqual(named(await list('?host=host-2&sort_key=created_at')), ['two-d', 'two-b'])
  assert.deepEqual(named(await list('?name=one&sort_key=created_at')), ['one-e', 'one-c', 'one-a'])
  assert.deepEqual(named(await list(`?name=one&sort_key=created_at&marker=${ids['two-d']}`)), ['one-c', 'one-a'])
  assert.deepEqual(named(await list(`?name=one&sort_key=created_at&marker=${ids['nowhere']}`)), ['one-c', 'one-a'])
  assert.deepEqual(named(await list('?status=ERROR')), ['nowhere'])
  assert.deepEqual(named(await list('?tags=two-b')), ['two-b'])
})

test('a marker that is nobody, or another project’s', async () => {
  const nobody = newUuid()
  ;(await ask(`/servers?marker=${nobody}`)).refuses(400, `marker [${nobody}] not found`)
  const marker = ids['one-a']
  ;(await ask(`/servers?marker=${marker}`, { as: cloud.member })).refuses(400, `marker [${marker}] not found`)
  assert.deepEqual(await list('', { as: cloud.member }), [])
  const lostOne = await ask(`/servers?marker=${lost.instanceId}`)
  lostOne.refuses(400, `marker [${lost.instanceId}] not found`)
})

test('a copy that is hidden is in no list, and one server is never there twice', async () => {
  const [one, two] = [await cells.storeOf('one'), await cells.storeOf('two')]
  const id = ids['one-c'] ?? ''
  const rows = await one.serverCarrier.read(id)
  assert.ok(rows !== undefined)
  await two.transaction(tx => tx.serverCarrier.writeHidden(rows))
  assert.deepEqual(named(await list('?sort_key=created_at')), newestFirst)
  await two.serverCarrier.show(id)
  try {
    assert.deepEqual(named(await list('?sort_key=created_at')), newestFirst)
    const mapping = await cloud.store.instanceMappings.find(id)
    assert.equal(mapping?.cellUuid, cells.uuidOf('one'))
  } finally {
    await two.transaction(tx => tx.serverCarrier.remove(id))
  }
})

test('a long list is read from each cell bit by bit, and many of an age come in the order of their ids', async t => {
  if (isOnMysql) return t.skip('rows by the thousand are written into files')
  const made: { id: string; created_at: number }[] = []
  const crowds = Object.entries({ one: 330, two: 45 }).map(([name, count]) => {
    return { crowd: new Crowd(cells.fileOf(name)), like: ids[`${name}-${name === 'one' ? 'a' : 'b'}`] ?? '', count }
  })
  try {
    for (const { crowd, like, count } of crowds) {
      const own = Array.from({ length: count }, (_, n) => {
        return { id: newUuid(), display_name: `crowd-${n}`, created_at: 1_700_000_000_000 + Math.floor(n / 70) }
      })
      made.push(...own)
      const mapping = await cloud.store.instanceMappings.find(like)
      assert.ok(mapping !== undefined)
      for (const { id } of own) await cloud.store.instanceMappings.add({ ...mapping, instanceId: id })
      await crowd.write(() => {
        crowd.copy('instances', crowd.row('instances', { id: like }), [0, count], n => own[n] ?? {})
      })
    }
    const sorted = made.toSorted((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
    await under({ batch: 100 }, async get => {
      for (const limit of [130, 1000]) {
        const found: string[] = []
        for (let marker = ''; ; marker = `&marker=${found.at(-1)}`) {
          const { servers }: Json = (await get(`/servers?name=crowd&limit=${limit}${marker}`)).expect(200).body
          found.push(...servers.map((server: Json) => server.id))
          if (servers.length < limit) break
        }
        assert.deepEqual(
          found,
          sorted.map(server => server.id),
        )
      }
    })
  } finally {
    for (const { id } of made) await cloud.store.instanceMappings.remove(id)
    for (const { crowd } of crowds) {
      await crowd.write(() => crowd.change(`delete from instances where display_name like 'crowd-%'`))
      crowd.close()
    }
  }
})

test('who is no administrator may be shown his project’s cells alone', async () => {
  await under({ perProject: true, skipsAway: false }, async get => {
    // An administrator is shown all cells, and one of them is away.
    ;(await get('/servers?limit=10')).expect(500)
    ;(await get('/servers?limit=10', newest, cloud.member)).expect(200)
  })
  await under({ skipsAway: false }, async get => {
    ;(await get('/servers?limit=10', newest, cloud.member)).expect(500)
  })
})

const unknown = () => ({ id: lost.instanceId, status: 'UNKNOWN' })

test('of servers in a cell that is away, what their mappings say is listed since 2.69', async () => {
  const [first, ...others] = await list()
  assert.deepEqual({ ...first, links: undefined }, { ...unknown(), links: undefined })
  assert.equal(first.links.length, 2)
  assert.deepEqual(named(others), newestFirst)
  const [detail, ...details] = await list('/detail?all_tenants=1')
  assert.deepEqual(
    { ...detail, links: undefined },
    { ...unknown(), tenant_id: lost.projectId, created: '2020-09-13T12:26:40Z', links: undefined },
  )
  assert.deepEqual(named(details), newestFirst)
  assert.deepEqual(await list('', { as: cloud.member }), [])
})

test('they are left out before, and of lists that are filtered, sorted or in pages', async () => {
  assert.deepEqual(named(await list('', { version: '2.68' })), newestFirst)
  for (const query of [
    '?limit=50',
    '?sort_key=created_at',
    '?status=ACTIVE',
    '?name=a',
    `/detail?marker=${ids['one-e']}`,
  ])
    assert.ok(
      (await list(query)).every(server => server.id !== lost.instanceId),
      query,
    )
})

test('or such lists are refused, where the operator wants it so', async () => {
  await under({ skipsAway: false }, async get => {
    const text = `Cell gone (${cells.uuidOf('gone')}) is not responding.`
    ;(await get('/servers', '2.68')).refuses(500, text)
    ;(await get('/servers?limit=5')).refuses(500, text)
    assert.equal((await get('/servers')).expect(200).body.servers.length, names.length + 1)
  })
})

test('one server whose cell is away', async () => {
  const path = `/servers/${lost.instanceId}`
  const { links, ...server } = (await ask(path)).expect(200).body.server
  const { flavor } = (await ask(`/servers/${ids['one-a']}`)).body.server
  assert.deepEqual(server, {
    ...unknown(),
    tenant_id: lost.projectId,
    user_id: lost.userId,
    created: '2020-09-13T12:26:40Z',
    image: { id: cloud.imageId, links: server.image.links },
    flavor,
    'OS-EXT-AZ:availability_zone': 'nova',
    'OS-EXT-STS:power_state': 0,
    server_groups: [],
  })
  assert.equal(links.length, 2)
  const away = `Cell gone (${cells.uuidOf('gone')}) is not responding.`
  ;(await ask(path, { version: '2.68' })).refuses(500, away)
  ;(await ask(`${path}/os-volume_attachments`)).refuses(500, away)
  const stop = await cloud.request('POST', `${path}/action`, { as: cloud.admin, body: { 'os-stop': null } })
  stop.refuses(500, away)
  ;(await cloud.request('DELETE', path, { as: cloud.admin })).refuses(500, away)
  ;(await ask(path, { as: cloud.member })).expect(404)
  await cloud.store.instanceMappings.markDeleted(lost.instanceId, true)
  ;(await ask(path)).expect(404)
  await cloud.store.instanceMappings.markDeleted(lost.instanceId, false)
})

test('a server that goes to its cell while it is asked for is found there', async () => {
  const name = 'one-f'
  const fields = { availability_zone: 'nova:host-1' }
  const body = { server: { name, imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks: 'none', ...fields } }
  const { id } = (await cloud.request('POST', '/servers', { version: newest, as: cloud.admin, body })).expect(202).body
    .server
  const isActive = async () => {
    const { server } = (await ask(`/servers/${id}`)).expect(200).body
    const listed = await list('?sort_key=created_at')
    assert.equal(listed.filter(one => one.id === id).length, 1)
    assert.notEqual(server.status, 'ERROR')
    return server.status === 'ACTIVE' ? true : undefined
  }
  await waitFor('the server', isActive, { deadlineMs: 20_000, everyMs: 1 })
  ;(await cloud.request('DELETE', `/servers/${id}`, { as: cloud.admin })).expect(204)
  await cloud.waitUntilGone(id)
  assert.equal((await cloud.store.instanceMappings.find(id))?.isDeleted, true)
})

test('what is written about a server while it is carried to its cell goes with it', async () => {
  const one = await cells.storeOf('one')
  const { transaction } = one
  const renamed: string[] = []
  // As soon as the copy is there, and before the server is gone from home.
  const observed: Store['transaction'] = async work => {
    const result = await transaction(work)
    if (renamed.length > 0) return result
    const [here] = await cloud.store.instances.list({
      filter: { deleted: 'no', patterns: { display_name: '^carried$' } },
    })
    if (here === undefined || !(await one.serverCarrier.isHidden(here.id))) return result
    renamed.push(here.id)
    const body = { server: { name: 'renamed', description: 'on its way' } }
    ;(await cloud.request('PUT', `/servers/${here.id}`, { version: newest, as: cloud.admin, body })).expect(200)
    return result
  }
  Object.assign(one, { transaction: observed })
  try {
    const fields = { availability_zone: 'nova:host-1', networks: 'none' }
    const id = await cloud.bootServer({ name: 'carried', fields, as: cloud.admin })
    assert.deepEqual(renamed, [id])
    const { name, description } = (await ask(`/servers/${id}`)).expect(200).body.server
    assert.deepEqual([name, description], ['renamed', 'on its way'])
    ;(await cloud.request('DELETE', `/servers/${id}`, { as: cloud.admin })).expect(204)
    await cloud.waitUntilGone(id)
  } finally {
    Object.assign(one, { transaction })
  }
})

/** The server is at home, as one that is being built; `go` is what the conductor does last when it goes to its cell. */
async function atHome(id: string): Promise<() => Promise<void>> {
  const { store } = cloud
  const mapping = await store.instanceMappings.find(id)
  const rows = await (await cells.storeOf('one')).serverCarrier.read(id)
  assert.ok(mapping !== undefined && rows !== undefined)
  await store.transaction(tx => tx.serverCarrier.writeHidden(rows))
  await store.serverCarrier.show(id)
  await store.instanceMappings.remove(id)
  return async () => {
    await store.instanceMappings.put(mapping)
    await store.transaction(tx => tx.serverCarrier.remove(id))
  }
}

/** The store of home, in which something happens the first time that a server is looked for. */
function interrupted(when: 'before' | 'after', happen: () => Promise<void>): Store {
  const { store } = cloud
  let isOver = false
  const once = async () => {
    if (isOver) return
    isOver = true
    await happen()
  }
  const find: Store['instances']['find'] = async (...given) => {
    if (when === 'before') await once()
    const found = await store.instances.find(...given)
    if (when === 'after') await once()
    return found
  }
  const instances = new Proxy(store.instances, {
    get(target, name) {
      if (name === 'find') return find
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { ...store, instances }
}

for (const when of ['before', 'after'] as const)
  test(`a server that goes to its cell ${when} it is looked for at home is answered by its cell`, async () => {
    const id = ids['one-a'] ?? ''
    await servedBy({ store: interrupted(when, await atHome(id)) }, async get => {
      const { server } = (await get(`/servers/${id}`)).expect(200).body
      assert.deepEqual([server.tags, server['OS-EXT-SRV-ATTR:host'], server.host_status], [['one-a'], 'host-1', 'UP'])
    })
    await servedBy({ store: interrupted(when, await atHome(id)) }, async (_, face) => {
      const headers = { 'x-auth-token': cloud.admin.token }
      const answer = await face.inject({
        method: 'POST',
        url: `/v2.1/servers/${id}/action`,
        headers,
        payload: { lock: null },
      })
      assert.equal(answer.statusCode, 202, answer.body)
    })
    assert.equal((await (await cells.storeOf('one')).instances.get(id)).lockedBy, 'owner')
    ;(await cloud.request('POST', `/servers/${id}/action`, { as: cloud.admin, body: { unlock: null } })).expect(202)
  })

test('a database that goes away while it is asked', async () => {
  const id = ids['two-b'] ?? ''
  const failing = (store: Store): Store => {
    const instances = new Proxy(store.instances, {
      get: () => () => Promise.reject(DatabaseUnavailable({})),
    })
    const own: Store = { ...store, instances, mayLag: () => own }
    return own
  }
  const { deps } = cloud
  const face = createComputeApi({
    deps: withCells(deps, cells.directory, ({ name }, store) =>
      name === 'two' ? { store: failing(store) } : { store },
    ),
    identity: deps.identity,
    policy: new Enforcer({ defaults: novaDefaults, log: silentLog, clock: deps.clock }),
  })
  try {
    const inject = async (method: 'GET' | 'PUT', url: string, payload?: object) => {
      const headers = { 'x-auth-token': cloud.admin.token, 'openstack-api-version': `compute ${newest}` }
      const more = payload === undefined ? {} : { payload }
      const { statusCode, body } = await face.inject({ method, url: `/v2.1${url}`, headers, ...more })
      return new Answer(statusCode, new Headers({ 'content-type': 'application/json' }), body)
    }
    const shown = (await inject('GET', `/servers/${id}`)).expect(200).body.server
    assert.deepEqual([shown.id, shown.status, shown.name], [id, 'UNKNOWN', undefined])
    const renamed = await inject('PUT', `/servers/${id}`, { server: { name: 'new' } })
    renamed.refuses(500, `Cell two (${cells.uuidOf('two')}) is not responding.`)
    const { servers }: Json = (await inject('GET', '/servers')).expect(200).body
    assert.deepEqual(
      new Set(named(servers.filter((one: Json) => one.status === undefined))),
      new Set(names.filter(name => !name.startsWith('two'))),
    )
    const unknown = servers.filter((one: Json) => one.status === 'UNKNOWN').map((one: Json) => one.id)
    assert.deepEqual(unknown.toSorted(), [ids['two-b'], ids['two-d'], lost.instanceId].toSorted())
  } finally {
    await face.close()
    cells.directory.forget()
  }
})

test('a cell that goes away and comes back', async () => {
  const { cellMappings } = cloud.store
  const uuid = cells.uuidOf('two')
  const before = await cellMappings.find(uuid)
  const broken = await cellMappings.find(cells.uuidOf('gone'))
  assert.ok(before !== undefined && broken !== undefined)
  const used = async () => (await ask('/limits')).expect(200).body.limits.absolute.totalInstancesUsed
  assert.equal(await used(), names.length)
  const { databaseConnection } = broken
  await cellMappings.change(uuid, { databaseConnection }, cloud.deps.clock.now())
  cells.directory.forget()
  try {
    assert.deepEqual(
      named(await list('?sort_key=created_at')),
      newestFirst.filter(name => !name.startsWith('two')),
    )
    assert.equal((await list()).filter(one => one.status === 'UNKNOWN').length, 3)
    assert.equal(await used(), names.length - 2)
    ;(await ask(`/servers/${ids['two-b']}`, { version: '2.1' })).expect(500)
  } finally {
    await cellMappings.change(uuid, { databaseConnection: before.databaseConnection }, cloud.deps.clock.now())
    cells.directory.forget()
  }
  assert.deepEqual(named(await list('?sort_key=created_at')), newestFirst)
  assert.equal(await used(), names.length)
})
