import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['one', 'two'] })
})
after(() => cloud.close())

const ask = (method: string, path: string, body?: unknown, version = newest) =>
  cloud.request(method, `/os-aggregates${path}`, {
    version,
    as: cloud.admin,
    ...(body === undefined ? {} : { body }),
  })
const make = async (name: string, zone?: string): Promise<Json> => {
  const aggregate = { name, ...(zone === undefined ? {} : { availability_zone: zone }) }
  return (await ask('POST', '', { aggregate })).expect(200).body.aggregate
}
const act = (id: number, action: string, value: unknown) => ask('POST', `/${id}/action`, { [action]: value })
const show = async (id: number): Promise<Json> => (await ask('GET', `/${id}`)).expect(200).body.aggregate
const zones = async (): Promise<string[]> =>
  (await cloud.request('GET', '/os-availability-zone'))
    .expect(200)
    .body.availabilityZoneInfo.map((zone: Json) => zone.zoneName)

const born = ['availability_zone', 'created_at', 'deleted', 'deleted_at', 'id', 'name', 'updated_at']

test('an aggregate is made, shown and listed with the keys of its version', async () => {
  const old = await ask('POST', '', { aggregate: { name: 'old' } }, '2.40')
  assert.deepEqual(Object.keys(old.expect(200).body.aggregate).sort(), born)
  const made = await make('new', 'zone-new')
  assert.deepEqual(Object.keys(made).sort(), [...born, 'uuid'])
  assert.deepEqual(
    [made.availability_zone, made.deleted, made.deleted_at, made.updated_at],
    ['zone-new', false, null, null],
  )
  assert.match(made.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  const shown = await show(made.id)
  assert.deepEqual(shown, { ...made, hosts: [], metadata: { availability_zone: 'zone-new' } })
  const { aggregates } = (await ask('GET', '', undefined, '2.40')).expect(200).body
  assert.deepEqual(
    aggregates.map((a: Json) => a.name),
    ['old', 'new'],
  )
  assert.ok(!('uuid' in aggregates[0]))
})

test('names are unique and printable; bodies are strict', async () => {
  await make('taken')
  const twice = await ask('POST', '', { aggregate: { name: 'taken' } })
  twice.refuses(409, 'Aggregate taken already exists.')
  for (const aggregate of [{}, { name: '' }, { name: ' x' }, { name: 'x', availability_zone: 'a:b' }, { name: 1 }]) {
    await ask('POST', '', { aggregate }).then(a => a.expect(400))
  }
  await ask('POST', '', { aggregate: { name: 'y', colour: 'red' } }).then(a => a.refuses(400, /colour/))
  const spaced = await cloud.request('POST', '/v2/os-aggregates', {
    as: cloud.admin,
    body: { aggregate: { name: ' spaced ' } },
  })
  assert.equal(spaced.expect(200).body.aggregate.name, 'spaced')
})

test('name and zone change together', async () => {
  const { id } = await make('to-change')
  const changed = await ask('PUT', `/${id}`, { aggregate: { name: ' changed ', availability_zone: 'z' } })
  const { aggregate } = changed.expect(200).body
  assert.deepEqual(
    [aggregate.name, aggregate.availability_zone, aggregate.metadata],
    ['changed', 'z', { availability_zone: 'z' }],
  )
  assert.notEqual(aggregate.updated_at, null)
  const taken = await ask('PUT', `/${id}`, { aggregate: { name: 'taken' } })
  taken.refuses(409, 'Aggregate taken already exists.')
  const nothing = await ask('PUT', `/${id}`, { aggregate: {} })
  nothing.expect(400)
  const zoneless = await ask('PUT', `/${id}`, { aggregate: { name: 'no', availability_zone: null } })
  zoneless.refuses(
    400,
    `Cannot update aggregate ${id}. Reason: Aggregate no does not support empty named availability zone.`,
  )
  assert.equal((await show(id)).name, 'changed')
})

test('metadata is merged, null removes', async () => {
  const { id } = await make('with-metadata')
  await act(id, 'set_metadata', { metadata: { ssd: 'true', rack: '1' } }).then(a => a.expect(200))
  const changed = await act(id, 'set_metadata', { metadata: { rack: null, size: 'l' } })
  assert.deepEqual(changed.expect(200).body.aggregate.metadata, { ssd: 'true', size: 'l' })
  await act(id, 'set_metadata', { metadata: { 'bad/key': '1' } }).then(a => a.expect(400))
  const zoneless = await act(id, 'set_metadata', { metadata: { availability_zone: '' } })
  zoneless.refuses(400, /^Cannot update metadata of aggregate \d+. Reason: Aggregate with-metadata does not support/)
})

test('hosts come and go, in the records and in placement', async () => {
  const made = await make('rack-1', 'zone-1')
  assert.ok(!(await zones()).includes('zone-1'))
  const added = await act(made.id, 'add_host', { host: 'one' })
  assert.deepEqual(added.expect(200).body.aggregate.hosts, ['one'])
  assert.deepEqual(await zones(), ['nova', 'zone-1'])
  const member = await cloud.placement.port.candidates(memberQuery(made.uuid))
  assert.equal(member.requests.length, 1)
  const twice = await act(made.id, 'add_host', { host: 'one' })
  twice.refuses(409, `Aggregate ${made.id} already has host one.`)
  const unknown = await act(made.id, 'add_host', { host: 'nowhere' })
  unknown.refuses(404, 'Compute host nowhere could not be found.')
  const full = await ask('DELETE', `/${made.id}`)
  full.refuses(400, `Cannot remove host from aggregate ${made.id}. Reason: Host aggregate is not empty.`)
  const removed = await act(made.id, 'remove_host', { host: 'one' })
  assert.deepEqual(removed.expect(200).body.aggregate.hosts, [])
  const left = await cloud.placement.port.candidates(memberQuery(made.uuid))
  assert.equal(left.requests.length, 0)
  for (const host of ['one', 'nowhere']) {
    const gone = await act(made.id, 'remove_host', { host })
    gone.refuses(404, `Cannot remove host ${host} in aggregate ${made.id}`)
  }
  assert.equal((await ask('DELETE', `/${made.id}`)).expect(200).text, '')
  const deleted = await ask('GET', `/${made.id}`)
  deleted.refuses(404, `Aggregate ${made.id} could not be found.`)
})

const memberQuery = (uuid: string) => ({
  groups: [
    {
      suffix: '',
      resources: { VCPU: 1 },
      required: [],
      forbidden: [],
      memberOf: [[uuid]],
      notMemberOf: [],
    },
  ],
  rootRequired: [],
  rootForbidden: [],
  sameSubtrees: [],
})

test('a host is in one zone at most', async () => {
  const east = await make('east', 'zone-east')
  const west = await make('west', 'zone-west')
  await act(east.id, 'add_host', { host: 'one' }).then(a => a.expect(200))
  const clash = await act(west.id, 'add_host', { host: 'one' })
  clash.refuses(
    409,
    `Cannot add host to aggregate ${west.id}. Reason: One or more hosts already in availability zone(s) ['zone-east'].`,
  )
  const plain = await make('plain')
  await act(plain.id, 'add_host', { host: 'one' }).then(a => a.expect(200))
  const zoned = await ask('PUT', `/${plain.id}`, { aggregate: { availability_zone: 'zone-west' } })
  zoned.refuses(
    400,
    `Cannot update aggregate ${plain.id}. Reason: One or more hosts already in availability zone(s) ['zone-east'].`,
  )
  await act(plain.id, 'remove_host', { host: 'one' }).then(a => a.expect(200))
  await act(east.id, 'remove_host', { host: 'one' }).then(a => a.expect(200))
})

test('servers do not change their zone', async () => {
  const server = await cloud.bootServer({ version: newest, as: cloud.admin, fields: { host: 'two' } })
  const north = await make('north', 'zone-north')
  const added = await act(north.id, 'add_host', { host: 'two' })
  added.refuses(
    409,
    /^Cannot add host to aggregate \d+\. Reason: The host cannot be added to the aggregate as the .* from 'None' to 'zone-north' but the host already has 1 instance\(s\)\./,
  )
  await cloud.request('DELETE', `/servers/${server}`, { as: cloud.admin }).then(a => a.expect(204))
  await cloud.waitUntilGone(server)
  await act(north.id, 'add_host', { host: 'two' }).then(a => a.expect(200))
  const inside = await cloud.bootServer({ version: newest, fields: { availability_zone: 'zone-north' } })
  assert.equal((await cloud.server(inside))['OS-EXT-AZ:availability_zone'], 'zone-north')
  const removed = await act(north.id, 'remove_host', { host: 'two' })
  removed.refuses(409, /The host cannot be removed from the aggregate .* from 'zone-north' to 'None'/)
  const renamed = await act(north.id, 'set_metadata', { metadata: { availability_zone: 'other' } })
  renamed.refuses(
    400,
    `Cannot update metadata of aggregate ${north.id}. Reason: One or more hosts contain instances in this zone.`,
  )
})

test('images are asked for ahead since 2.81', async () => {
  const { id } = await make('caching')
  const cache = [{ id: cloud.imageId }]
  await ask('POST', `/${id}/images`, { cache }, '2.80').then(a => a.expect(404))
  assert.equal((await ask('POST', `/${id}/images`, { cache })).expect(202).text, '')
  const [host = '', driver] = [...cloud.drivers][0] ?? []
  await act(id, 'add_host', { host }).then(a => a.expect(200))
  await ask('POST', `/${id}/images`, { cache }).then(a => a.expect(202))
  const isThere = async () => (driver?.cachedImages.has(cloud.imageId) === true ? true : undefined)
  await waitFor('the host to have the image', isThere, { deadlineMs: 60_000, everyMs: 5 })
  const twice = await ask('POST', `/${id}/images`, { cache: [...cache, ...cache] })
  twice.refuses(400, 'Duplicate images in request')
  const stranger = newUuid()
  const unknown = await ask('POST', `/${id}/images`, { cache: [{ id: stranger }] })
  unknown.refuses(400, `Image ${stranger} could not be found.`)
  await ask('POST', `/${id}/images`, { cache: [] }).then(a => a.expect(400))
})

test('a host lets go of images that no guest uses, as often as nova.conf says', async t => {
  const own = await startCloud({ config: { image_cache: { manager_interval: 1 } } })
  t.after(() => own.close())
  const id = await own.bootServer()
  const image = (await own.store.instances.get(id)).image
  assert.ok(image !== null)
  await own.driver.imageCache?.fetch(image)
  const stranger = newUuid()
  await own.driver.imageCache?.fetch({ ...image, id: stranger })
  await waitFor('the other image to go', () => (own.driver.cachedImages.has(stranger) ? undefined : true), {
    deadlineMs: 60_000,
  })
  assert.ok(own.driver.cachedImages.has(image.id))
})

test('an unknown or malformed id', async () => {
  for (const [method, path, body] of [
    ['GET', '', undefined],
    ['PUT', '', { aggregate: { name: 'x' } }],
    ['DELETE', '', undefined],
    ['POST', '/action', { set_metadata: { metadata: {} } }],
  ] as const) {
    const malformed = await ask(method, `/nine${path}`, body)
    malformed.refuses(400, 'Invalid input received: id must be an integer')
    const unknown = await ask(method, `/999${path}`, body)
    unknown.refuses(404, 'Aggregate 999 could not be found.')
  }
  const strict = await ask('GET', '?colour=red')
  strict.refuses(400, /colour/)
  await ask('GET', '?colour=red', undefined, '2.101').then(a => a.expect(200))
})
