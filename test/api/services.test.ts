import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { disabledTrait } from '#cloud'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'] })
})
after(() => cloud.close())

const ask = (method: string, path: string, version: string, body?: unknown) =>
  cloud.request(method, path, { version, as: cloud.admin, ...(body === undefined ? {} : { body }) })
const list = async (query = '', version = newest): Promise<Json[]> =>
  (await ask('GET', `/os-services${query}`, version)).expect(200).body.services
const uuidOf = async (host: string): Promise<string> => (await list(`?host=${host}&binary=nova-compute`))[0].id
const nodeOf = async (host: string): Promise<string> => (await cloud.store.computeNodes.find({ host }))?.uuid ?? ''
const isMarked = async (host: string): Promise<boolean> =>
  (await cloud.placement.port.traits(await nodeOf(host))).includes(disabledTrait)

const keys = ['binary', 'disabled_reason', 'host', 'id', 'state', 'status', 'updated_at', 'zone']

test('the list has its keys by version', async () => {
  for (const [version, expected] of [
    ['2.1', keys],
    ['2.11', [...keys, 'forced_down']],
    ['2.69', [...keys, 'forced_down']],
  ] as const) {
    for (const service of await list('', version)) assert.deepEqual(Object.keys(service).sort(), [...expected].sort())
  }
  assert.equal(typeof (await list('', '2.52'))[0].id, 'number')
  assert.match((await list('', '2.53'))[0].id, /^[0-9a-f-]{36}$/)
})

test('each service has a zone, a state and a time', async () => {
  const byBinary = Map.groupBy(await list(), (s: Json) => s.binary as string)
  assert.deepEqual([...byBinary.keys()].sort(), ['nova-compute', 'nova-conductor', 'nova-scheduler'])
  const [one] = byBinary.get('nova-compute') ?? []
  assert.deepEqual(
    [one.host, one.zone, one.status, one.state, one.disabled_reason, one.forced_down],
    ['one', 'nova', 'enabled', 'up', null, false],
  )
  assert.match(one.updated_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.equal(byBinary.get('nova-scheduler')?.[0].zone, 'internal')
})

test('host and binary narrow the list; other parameters are refused from 2.75 on', async () => {
  assert.deepEqual(
    (await list('?host=two')).map(s => s.host),
    ['two'],
  )
  assert.equal((await list('?binary=nova-compute')).length, 2)
  assert.equal((await list('?host=')).length, 4)
  assert.equal((await list('?host=none')).length, 0)
  assert.equal((await list('?colour=red', '2.74')).length, 4)
  const strict = await ask('GET', '/os-services?colour=red', '2.75')
  strict.refuses(400, /colour/)
})

test('before 2.53 the path says what to do', async () => {
  const body = { host: 'two', binary: 'nova-compute' }
  const disabled = await ask('PUT', '/os-services/disable', '2.1', body)
  assert.deepEqual(disabled.expect(200).body, { service: { ...body, status: 'disabled' } })
  assert.equal(await isMarked('two'), true)
  const reason = { ...body, disabled_reason: 'new fan' }
  const logged = await ask('PUT', '/os-services/disable-log-reason', '2.1', reason)
  assert.deepEqual(logged.expect(200).body, { service: { ...reason, status: 'disabled' } })
  assert.equal((await list('?host=two'))[0].disabled_reason, 'new fan')
  const enabled = await ask('PUT', '/os-services/enable', '2.52', body)
  assert.deepEqual(enabled.expect(200).body, { service: { ...body, status: 'enabled' } })
  assert.equal(await isMarked('two'), false)
  assert.equal((await list('?host=two'))[0].disabled_reason, null)
})

test('force-down exists since 2.11', async () => {
  const body = { host: 'two', binary: 'nova-compute' }
  const early = await ask('PUT', '/os-services/force-down', '2.10', body)
  early.refuses(404, 'Unknown action')
  const bare = await ask('PUT', '/os-services/force-down', '2.11', body)
  bare.refuses(400, 'Missing forced_down field')
  const down = await ask('PUT', '/os-services/force-down', '2.11', { ...body, forced_down: 'true' })
  assert.deepEqual(down.expect(200).body, { service: { ...body, forced_down: true } })
  assert.equal((await list('?host=two'))[0].state, 'down')
  await ask('PUT', '/os-services/force-down', '2.11', { ...body, forced_down: false }).then(a => a.expect(200))
  assert.equal((await list('?host=two'))[0].state, 'up')
})

test('what an update by name refuses', async () => {
  const body = { host: 'two', binary: 'nova-compute' }
  const unknown = await ask('PUT', '/os-services/restart', '2.1', body)
  unknown.refuses(404, 'Unknown action')
  const silent = await ask('PUT', '/os-services/disable-log-reason', '2.1', body)
  silent.refuses(400, 'Missing disabled reason field')
  const nowhere = await ask('PUT', '/os-services/disable', '2.1', { ...body, host: 'nowhere' })
  nowhere.refuses(404, "Host 'nowhere' is not mapped to any cell")
  const scheduler = await ask('PUT', '/os-services/disable', '2.1', { ...body, binary: 'nova-scheduler' })
  scheduler.refuses(
    400,
    'Updating a nova-scheduler service is not supported. Only nova-compute services can be updated.',
  )
  const extra = await ask('PUT', '/os-services/disable', '2.10', { ...body, forced_down: true })
  extra.refuses(400, /forced_down/)
  const missing = await ask('PUT', '/os-services/disable', '2.1', { host: 'two' })
  missing.refuses(400, /binary/)
})

test('from 2.53 on the path names the service and the answer is the whole service', async () => {
  const id = await uuidOf('one')
  const changed = await ask('PUT', `/os-services/${id}`, '2.53', { status: 'disabled', disabled_reason: 'tired' })
  const { service } = changed.expect(200).body
  assert.deepEqual(Object.keys(service).sort(), [...keys, 'forced_down'].sort())
  assert.deepEqual([service.id, service.status, service.disabled_reason], [id, 'disabled', 'tired'])
  assert.equal(await isMarked('one'), true)
  const both = await ask('PUT', `/os-services/${id}`, newest, { status: 'enabled', forced_down: true })
  assert.deepEqual(
    [both.body.service.status, both.body.service.forced_down, both.body.service.state],
    ['enabled', true, 'down'],
  )
  assert.equal(await isMarked('one'), false)
  await ask('PUT', `/os-services/${id}`, newest, { forced_down: false }).then(a => a.expect(200))
})

test('what an update by uuid refuses', async () => {
  const id = await uuidOf('one')
  const malformed = await ask('PUT', '/os-services/disable', '2.53', { status: 'disabled' })
  malformed.refuses(400, 'Invalid uuid disable')
  const stranger = newUuid()
  const unknown = await ask('PUT', `/os-services/${stranger}`, '2.53', { status: 'disabled' })
  unknown.refuses(404, `Service ${stranger} could not be found.`)
  const odd = await ask('PUT', `/os-services/${id}`, '2.53', { status: 'enabled', disabled_reason: 'why' })
  odd.refuses(400, "Specifying 'disabled_reason' with status 'enabled' is invalid.")
  const empty = await ask('PUT', `/os-services/${id}`, '2.53', {})
  empty.refuses(400, "No updates were requested. Fields 'status' or 'forced_down' should be specified.")
  const old = await ask('PUT', `/os-services/${id}`, '2.53', { host: 'one', binary: 'nova-compute' })
  old.expect(400)
  const scheduler = (await list('?binary=nova-scheduler'))[0].id
  const other = await ask('PUT', `/os-services/${scheduler}`, '2.53', { status: 'disabled' })
  other.refuses(400, 'Updating a nova-scheduler service is not supported. Only nova-compute services can be updated.')
})

test('the scheduler leaves a disabled host out at once', async () => {
  await ask('PUT', `/os-services/${await uuidOf('one')}`, newest, { status: 'disabled' }).then(a => a.expect(200))
  const ids = [await cloud.bootServer(), await cloud.bootServer()]
  const hosts = await Promise.all(ids.map(id => cloud.server(id, { as: cloud.admin })))
  assert.deepEqual(
    hosts.map(server => server['OS-EXT-SRV-ATTR:host']),
    ['two', 'two'],
  )
  await ask('PUT', `/os-services/${await uuidOf('one')}`, newest, { status: 'enabled' }).then(a => a.expect(200))
  for (const id of ids) await cloud.request('DELETE', `/servers/${id}`).then(a => a.expect(204))
  for (const id of ids) await cloud.waitUntilGone(id)
})

test('a service that hosts servers stays', async () => {
  const server = await cloud.bootServer({ version: newest, as: cloud.admin, fields: { host: 'two' } })
  const id = await uuidOf('two')
  const refused = await ask('DELETE', `/os-services/${id}`, '2.53')
  refused.refuses(
    409,
    'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
  )
  assert.equal(await uuidOf('two'), id)
  await cloud.request('DELETE', `/servers/${server}`, { as: cloud.admin }).then(a => a.expect(204))
  await cloud.waitUntilGone(server)
})

const move = (type: 'migration' | 'evacuation', status: string, sourceHost: string) => ({
  uuid: newUuid(),
  instanceId: newUuid(),
  type,
  status,
  sourceHost,
  sourceNode: null,
  destHost: 'one',
  destNode: null,
  destIp: null,
  oldFlavor: null,
  newFlavor: null,
  userId: null,
  projectId: null,
  isCrossCell: false,
  pending: { vcpus: 0, memoryMiB: 0 },
  createdAtMs: 0,
})

test('nor does one go on which a move is on its way', async () => {
  const moving = move('migration', 'migrating', 'two')
  await cloud.store.moves.add(moving)
  const refused = await ask('DELETE', `/os-services/${await uuidOf('two')}`, '2.53')
  refused.refuses(
    409,
    'Unable to delete compute service that has in-progress migrations. Complete the migrations or delete the instances first.',
  )
  await cloud.store.moves.change(moving.uuid, { status: 'confirmed' }, 0)
})

test('a host that was evacuated is not forced up before it knows', async () => {
  const evacuation = move('evacuation', 'done', 'two')
  await cloud.store.moves.add(evacuation)
  const words =
    'Unable to force up host two as `done` evacuation migration records remain associated with the host. Ensure the ' +
    'compute service has been restarted, allowing these records to move to `completed` before retrying this request.'
  const up = { host: 'two', binary: 'nova-compute', forced_down: false }
  ;(await ask('PUT', '/os-services/force-down', '2.52', up)).refuses(400, words)
  const path = `/os-services/${await uuidOf('two')}`
  ;(await ask('PUT', path, newest, { forced_down: false })).refuses(400, words)
  await cloud.store.moves.change(evacuation.uuid, { status: 'completed' }, 0)
  ;(await ask('PUT', path, newest, { forced_down: false })).expect(200)
})

test('a deleted compute service takes its node, its provider and its place in aggregates along', async () => {
  const id = await uuidOf('two')
  const node = await nodeOf('two')
  const made = await ask('POST', '/os-aggregates', newest, { aggregate: { name: 'rack' } })
  const { id: rack } = made.body.aggregate
  await ask('POST', `/os-aggregates/${rack}/action`, newest, { add_host: { host: 'two' } }).then(a => a.expect(200))
  assert.equal((await ask('DELETE', `/os-services/${id}`, '2.53')).expect(204).text, '')
  assert.deepEqual(await list('?host=two'), [])
  assert.equal(await cloud.store.computeNodes.find({ uuid: node }), undefined)
  assert.equal(await cloud.placement.port.provider(node), undefined)
  assert.deepEqual((await ask('GET', `/os-aggregates/${rack}`, newest)).body.aggregate.hosts, [])
  const again = await ask('DELETE', `/os-services/${id}`, '2.53')
  again.refuses(404, `Service ${id} not found.`)
})

test('ids of a delete are numbers before 2.53 and uuids from then on', async () => {
  const word = await ask('DELETE', '/os-services/one', '2.52')
  word.refuses(400, 'Invalid input received: id must be an integer')
  const unknown = await ask('DELETE', '/os-services/99', '2.52')
  unknown.refuses(404, 'Service 99 not found.')
  const number = await ask('DELETE', '/os-services/1', '2.53')
  number.refuses(400, 'Invalid uuid 1')
  const [scheduler] = await list('?binary=nova-scheduler', '2.52')
  await ask('DELETE', `/os-services/${scheduler.id}`, '2.52').then(a => a.expect(204))
  assert.deepEqual(await list('?binary=nova-scheduler'), [])
})
