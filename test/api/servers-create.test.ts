import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, type Ask, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ hosts: ['host-1', 'host-2'], quotas: { instances: 6, metadata_items: 3 } })
})
after(() => cloud.close())

const create = (fields: object = {}, { version = '2.90', ...ask }: Ask = {}, beside: object = {}) => {
  const server = { name: 'new', imageRef: cloud.imageId, flavorRef: cloud.flavorId, ...fields }
  const networks = { networks: [{ uuid: cloud.networkId }] }
  return cloud.request('POST', '/servers', { version, ...ask, body: { server: { ...networks, ...server }, ...beside } })
}

test('a network by itself, where the cloud has a way out', async () => {
  const auto = { networks: 'auto', imageRef: cloud.imageId, flavorRef: cloud.flavorId, name: 'alone' }
  const ask = () => cloud.request('POST', '/servers', { as: cloud.stranger, version: '2.37', body: { server: auto } })
  const { projectId } = cloud.stranger
  ;(await ask()).refuses(400, `Unable to automatically allocate a network for project ${projectId}`)
  const insideId = cloud.networkId
  await cloud.network.ensurePublicNetwork({ projectId: cloud.admin.projectId, name: 'public', insideId })
  const { id } = (await ask()).expect(202).body.server
  const { addresses } = await cloud.waitForStatus(id, 'ACTIVE')
  assert.deepEqual(Object.keys(addresses), ['auto_allocated_network'])
})

test('accepted: id, password, address; then the server as it was asked for', async () => {
  const answer = (
    await create({
      metadata: { a: '1' },
      tags: ['blue'],
      description: 'of a test',
      hostname: 'my-host',
      config_drive: true,
      security_groups: [{ name: 'default' }],
      adminPass: 'swordfish',
    })
  ).expect(202)
  const { id, adminPass, links, security_groups, ...rest } = answer.body.server
  assert.equal(answer.headers.get('location'), `${cloud.url}/v2.1/servers/${id}`)
  assert.deepEqual([adminPass, links[0].href], ['swordfish', `${cloud.url}/v2.1/servers/${id}`])
  assert.deepEqual([security_groups, rest], [[{ name: 'default' }], { 'OS-DCF:diskConfig': 'MANUAL' }])
  const server = await cloud.waitForStatus(id, 'ACTIVE')
  assert.deepEqual(server.metadata, { a: '1' })
  assert.deepEqual(server.tags, ['blue'])
  assert.deepEqual([server.description, server['OS-EXT-SRV-ATTR:hostname']], ['of a test', 'my-host'])
  assert.deepEqual([server.config_drive, Object.keys(server.addresses)], ['True', ['private']])
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
})

const refusals: readonly (readonly [what: string, fields: () => object, message: string | RegExp, version?: string])[] =
  [
    ['no image', () => ({ imageRef: undefined }), 'Missing imageRef attribute'],
    ['an unknown image', () => ({ imageRef: newUuid() }), 'Can not find requested image'],
    ['an unknown flavor', () => ({ flavorRef: 'none' }), 'Flavor none could not be found.'],
    ['an unknown key', () => ({ key_name: 'none' }), 'Invalid key_name provided.'],
    ['an unknown zone', () => ({ availability_zone: 'moon' }), 'The requested availability zone is not available'],
    ['more at least than at most', () => ({ min_count: 2, max_count: 1 }), 'min_count must be <= max_count'],
    ['no networks from 2.37 on', () => ({ networks: undefined }), /'networks' is a required property/, '2.37'],
    ['a description before 2.19', () => ({ description: 'x' }), /'description' was unexpected/, '2.18'],
    ['tags before 2.52', () => ({ tags: ['x'] }), /'tags' was unexpected/, '2.51'],
    ['files from 2.57 on', () => ({ personality: [] }), /'personality' was unexpected/, '2.57'],
    [
      'a dotted host name before 2.94',
      () => ({ hostname: 'a.b' }),
      /Invalid input for field\/attribute hostname/,
      '2.93',
    ],
    ['an empty name', () => ({ name: '' }), /Invalid input for field\/attribute name/],
    ['an unknown network', () => ({ networks: [{ uuid: cloud.imageId }] }), /^Network .* could not be found\.$/],
    ['an unknown port', () => ({ networks: [{ port: cloud.imageId }] }), /^Port id .* could not be found\.$/],
    [
      'an unknown group',
      () => ({ security_groups: [{ name: 'none' }] }),
      /^Security group none not found for project [0-9a-f]+\.$/,
    ],
  ]
for (const [what, fields, message, version = '2.90'] of refusals) {
  test(`refused: ${what}`, async () => {
    ;(await create(fields(), { version })).refuses(400, message)
  })
}

test('many at once, numbered; the quota is exact', async () => {
  const asked = await create({ name: 'herd', min_count: 2, max_count: 4, return_reservation_id: true })
  const { reservation_id } = asked.expect(202).body
  assert.match(reservation_id, /^r-[a-z0-9]{8}$/)
  const found = (await cloud.request('GET', `/servers?reservation_id=${reservation_id}`)).expect(200).body.servers
  assert.deepEqual(found.map((s: { name: string }) => s.name).sort(), ['herd-1', 'herd-2', 'herd-3', 'herd-4'])
  for (const { id } of found) await cloud.waitForStatus(id, 'ACTIVE')
  const answers = await Promise.all(Array.from({ length: 6 }, () => create()))
  assert.equal(answers.filter(a => a.status === 202).length, 2)
  for (const answer of answers.filter(a => a.status !== 202))
    answer.refuses(403, 'Quota exceeded for instances: Requested 1, but already used 6 of 6 instances')
  const few = await create({ min_count: 1, max_count: 5 })
  few.refuses(403, /^Quota exceeded for instances: Requested 1, /)
  const { servers } = (await cloud.request('GET', '/servers')).body
  for (const { id } of servers) (await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  for (const { id } of servers) await cloud.waitUntilGone(id)
})

test('too much metadata', async () => {
  const metadata = { a: '1', b: '2', c: '3', d: '4' }
  ;(await create({ metadata })).refuses(403, 'Maximum number of metadata items exceeds 3')
})

test('a forced host is for administrators, and holds', async () => {
  ;(await create({ availability_zone: 'nova:host-2' })).refuses(
    403,
    "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.",
  )
  const networks = 'none'
  const id = await cloud.bootServer({ as: cloud.admin, fields: { availability_zone: 'nova:host-2', networks } })
  assert.equal((await cloud.server(id, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host'], 'host-2')
  const wanted = { fields: { host: 'host-1', networks }, as: cloud.admin, version: '2.74' }
  const other = await cloud.bootServer(wanted)
  assert.equal((await cloud.server(other, { as: cloud.admin }))['OS-EXT-SRV-ATTR:host'], 'host-1')
  ;(await create({ host: 'host-9', networks }, { as: cloud.admin })).refuses(
    400,
    'Compute host host-9 could not be found.',
  )
})

test('nothing is large enough: ERROR with the reason', async () => {
  const flavorRef = await cloud.newFlavor({ name: 'wide', vcpus: 5000, ram: 64 })
  const roomy = await cloud.request('POST', '/servers', {
    version: '2.37',
    body: { server: { name: 'wide', imageRef: cloud.imageId, flavorRef, networks: 'none' } },
  })
  roomy.refuses(403, /^Quota exceeded for cores: Requested 5000, /)
  const large = await cloud.newFlavor({ name: 'large', vcpus: 1, ram: 40_000, disk: 900 })
  const id = await cloud.bootServer({ fields: { flavorRef: large } })
  const failed = await cloud.bootServer({ as: cloud.admin, fields: { flavorRef: large, networks: 'none' } })
  const none = await cloud.bootServer({
    as: cloud.stranger,
    status: 'ERROR',
    fields: { flavorRef: large, networks: 'none' },
  })
  const { fault } = await cloud.server(none, { as: cloud.stranger })
  assert.equal(fault.code, 500)
  assert.match(fault.message, /^No valid host was found\./)
  assert.ok(!('details' in fault))
  for (const server of [id, failed, none])
    (await cloud.request('DELETE', `/servers/${server}`, { as: cloud.admin })).expect(204)
})

test('the old mount takes what it does not know', async () => {
  const server = { name: ' old ', imageRef: cloud.imageId, flavorRef: cloud.flavorId, nonsense: 1 }
  const made = await cloud.request('POST', '/v2/servers', { body: { server } })
  const { id } = made.expect(202).body.server
  assert.equal((await cloud.waitForStatus(id, 'ACTIVE')).name, 'old')
})
