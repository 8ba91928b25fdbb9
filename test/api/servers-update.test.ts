import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud({ hosts: ['host-1', 'host-2'] })
  id = await cloud.bootServer()
})
after(() => cloud.close())

const put = (server: object, version = newest, as: Person = cloud.member) =>
  cloud.request('PUT', `/servers/${id}`, { as, version, body: { server } })

test('each field is changed, and only it', async () => {
  const before = await cloud.server(id)
  const changes: readonly (readonly [object, object])[] = [
    [{ name: 'new' }, { name: 'new' }],
    [{ description: 'words' }, { description: 'words' }],
    [{ description: null }, { description: null }],
    [{ accessIPv4: '1.2.3.4' }, { accessIPv4: '1.2.3.4' }],
    [{ accessIPv6: '2001:DB8::0001' }, { accessIPv6: '2001:db8::1' }],
    [{ 'OS-DCF:diskConfig': 'AUTO' }, { 'OS-DCF:diskConfig': 'AUTO' }],
    [{ hostname: 'new.example.org' }, { 'OS-EXT-SRV-ATTR:hostname': 'new.example.org' }],
    [{}, {}],
  ]
  let expected = before
  for (const [change, shows] of changes) {
    const { server } = (await put(change)).expect(200).body
    expected = { ...expected, ...shows, updated: server.updated }
    assert.deepEqual(server, expected)
    assert.deepEqual(await cloud.server(id), expected)
  }
  ;(await put({ name: before.name })).expect(200)
})

test('what exists at which version', async () => {
  const refusedBelow: readonly (readonly [string, object])[] = [
    ['2.19', { description: 'x' }],
    ['2.90', { hostname: 'abc' }],
    ['2.94', { hostname: 'a.b' }],
    ['2.104', { pinned_availability_zone: null }],
  ]
  for (const [version, change] of refusedBelow) {
    const below = `2.${Number(version.slice(2)) - 1}`
    ;(await put(change, below)).expect(400)
    ;(await put(change, version)).expect(200)
  }
  const keys = async (version: string) => Object.keys((await put({}, version)).expect(200).body.server)
  assert.ok(!(await keys('2.74')).includes('OS-EXT-STS:vm_state'))
  assert.ok((await keys('2.75')).includes('OS-EXT-STS:vm_state'))
  assert.ok(!(await keys('2.70')).includes('server_groups'))
  assert.ok((await keys('2.71')).includes('server_groups'))
})

test('a pin is taken off, set to where the server is, and never moved', async () => {
  const pinOf = async () => (await cloud.server(id)).pinned_availability_zone
  const refusal = /^The pinned availability zone/
  assert.equal(await pinOf(), null)
  ;(await put({ pinned_availability_zone: 'elsewhere' })).refuses(409, refusal)
  assert.equal(
    (await put({ pinned_availability_zone: 'nova' })).expect(200).body.server.pinned_availability_zone,
    'nova',
  )
  assert.equal(await pinOf(), 'nova')
  ;(await put({ pinned_availability_zone: 'elsewhere' })).refuses(409, refusal)
  ;(await put({ pinned_availability_zone: 'nova' })).expect(200)
  ;(await put({ pinned_availability_zone: null })).expect(200)
  assert.equal(await pinOf(), null)
})

test('in any state, locked or not, but not by anybody', async () => {
  ;(await cloud.request('POST', `/servers/${id}/action`, { body: { lock: null } })).expect(202)
  ;(await put({ name: 'locked' })).expect(200)
  ;(await put({ name: 'x' }, newest, cloud.reader)).refuses(403, /servers:update/)
  ;(await put({ name: 'x' }, newest, cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  for (const wrong of [
    { name: '' },
    { name: ' x' },
    { accessIPv4: '::1' },
    { accessIPv6: '1.2.3.4' },
    { status: 'ERROR' },
  ])
    (await put(wrong)).expect(400)
})
