import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, type Ask, type Json, startCloud } from './harness.ts'
import { type Outside, openOutside } from './outside.ts'

let cloud: ApiCloud
let outside: Outside
before(async () => {
  cloud = await startCloud()
  outside = await openOutside(cloud)
})
after(() => cloud.close())

const act = (id: string, body: Record<string, unknown>, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { body, ...ask })

const allocate = async (body: unknown = { pool: 'public' }, ask: Ask = {}): Promise<Json> =>
  (await cloud.request('POST', '/os-floating-ips', { body, ...ask })).expect(200).body.floating_ip

const addresses = async (id: string): Promise<string[]> =>
  Object.values<Json>((await cloud.server(id)).addresses).flatMap(list => list.map((item: Json) => item.addr))

test('pools are the external networks', async () => {
  const { floating_ip_pools: pools } = (await cloud.request('GET', '/os-floating-ip-pools')).expect(200).body
  assert.deepEqual(pools, [{ name: 'public' }])
})

test('an address is allocated from a pool, listed, shown and given back', async () => {
  const ip = await allocate()
  assert.deepEqual([ip.pool, ip.fixed_ip, ip.instance_id], ['public', null, null])
  assert.deepEqual((await cloud.request('GET', '/os-floating-ips')).expect(200).body.floating_ips, [ip])
  assert.deepEqual((await cloud.request('GET', `/os-floating-ips/${ip.id}`)).expect(200).body.floating_ip, ip)
  assert.deepEqual((await cloud.request('GET', '/os-floating-ips', { as: cloud.stranger })).body.floating_ips, [])
  const strange = (await cloud.request('GET', `/os-floating-ips/${ip.id}`, { as: cloud.stranger })).expect(404)
  assert.equal(strange.body.itemNotFound.message, `Floating IP not found for ID ${ip.id}`)
  ;(await cloud.request('DELETE', `/os-floating-ips/${ip.id}`)).expect(202)
  ;(await cloud.request('DELETE', `/os-floating-ips/${ip.id}`)).expect(404)
})

test('without a pool the configured one is meant; what is not there says so', async () => {
  for (const body of [null, {}, { pool: null }, { pool: 'nowhere' }]) {
    const refused = (await cloud.request('POST', '/os-floating-ips', { body })).expect(404)
    assert.equal(refused.body.itemNotFound.message, 'Floating IP pool not found.')
  }
  const ip = await allocate({ pool: outside.networkId })
  assert.equal(ip.pool, 'public')
  await cloud.request('DELETE', `/os-floating-ips/${ip.id}`)
})

test('an empty pool and a full quota are told apart', async () => {
  const wanted = { network: { name: 'tiny', 'router:external': true } }
  const { network } = await cloud.neutron('POST', '/networks', wanted, cloud.admin)
  const subnet = { network_id: network.id, ip_version: 4, cidr: '172.30.0.0/30' }
  await cloud.neutron('POST', '/subnets', { subnet }, cloud.admin)
  const ip = await allocate({ pool: 'tiny' })
  const none = (await cloud.request('POST', '/os-floating-ips', { body: { pool: 'tiny' } })).expect(404)
  assert.equal(none.body.itemNotFound.message, 'No more floating IPs in pool tiny.')
  await cloud.request('DELETE', `/os-floating-ips/${ip.id}`)
  const { projectId } = cloud.member
  await cloud.neutron('PUT', `/quotas/${projectId}`, { quota: { floatingip: 0 } }, cloud.admin)
  const over = (await cloud.request('POST', '/os-floating-ips', { body: { pool: 'tiny' } })).expect(403)
  assert.equal(over.body.forbidden.message, 'IP allocation over quota in pool tiny.')
  await cloud.neutron('DELETE', `/quotas/${projectId}`, undefined, cloud.admin)
})

test('a server gets a floating address, loses it to another, and gives it back', async () => {
  const [one, two] = [await cloud.bootServer(), await cloud.bootServer()]
  const { ip: address, id } = await allocate()
  ;(await act(one, { addFloatingIp: { address } })).expect(202)
  assert.ok((await addresses(one)).includes(address))
  const held = (await cloud.request('GET', `/os-floating-ips/${id}`)).body.floating_ip
  assert.equal(held.instance_id, one)
  assert.ok((await addresses(one)).includes(held.fixed_ip))
  ;(await act(two, { addFloatingIp: { address } })).expect(202)
  assert.deepEqual([(await addresses(one)).length, (await addresses(two)).length], [1, 2])
  const notThere = (await act(one, { removeFloatingIp: { address } })).expect(409)
  assert.equal(
    notThere.body.conflictingRequest.message,
    `Floating IP ${address} is not associated with instance ${one}.`,
  )
  ;(await act(two, { removeFloatingIp: { address } })).expect(202)
  assert.equal((await addresses(two)).length, 1)
  ;(await act(two, { addFloatingIp: { address } })).expect(202)
  ;(await cloud.request('DELETE', `/os-floating-ips/${id}`)).expect(202)
  assert.equal((await addresses(two)).length, 1)
})

test('what cannot be associated is refused in Nova’s words', async () => {
  const id = await cloud.bootServer()
  const { ip: address } = await allocate()
  const refused = async (body: Record<string, unknown>, ask?: Ask) => {
    const { status, body: answer } = await act(id, body, ask)
    const [inner] = Object.values<Json>(answer)
    return [status, inner.message]
  }
  assert.deepEqual(await refused({ addFloatingIp: { address: '192.0.2.9' } }), [404, 'floating IP not found'])
  assert.deepEqual(await refused({ removeFloatingIp: { address: '192.0.2.9' } }), [
    404,
    'Floating IP not found for address 192.0.2.9.',
  ])
  assert.deepEqual(await refused({ addFloatingIp: { address, fixed_address: '10.7.0.250' } }), [
    400,
    'Specified fixed address not assigned to instance',
  ])
  assert.deepEqual(await refused({ removeFloatingIp: { address } }, { as: cloud.admin }), [
    409,
    `Floating IP ${address} is not associated with instance ${id}.`,
  ])
  // Nobody's address is nobody's to take: the rule finds no project to compare with.
  assert.equal((await refused({ removeFloatingIp: { address } }))[0], 403)
  assert.equal((await refused({ addFloatingIp: { address: 'nonsense' } }))[0], 400)
  const second = await allocate()
  await act(id, { addFloatingIp: { address } })
  const twice = await refused({ addFloatingIp: { address: second.ip } })
  assert.equal(twice[0], 400)
  assert.match(String(twice[1]), /^Cannot associate floating IP .* as that fixed IP already has a floating IP/)
  ;(await act(newUuid(), { addFloatingIp: { address } })).expect(404)
  ;(await act(id, { addFloatingIp: { address } }, { as: cloud.stranger })).expect(404)
  ;(await act(id, { addFloatingIp: { address } }, { as: cloud.reader })).expect(403)
  ;(await act(id, { addFloatingIp: { address } }, { version: '2.44' })).expect(404)
})

test('a network without a way outside is named with its reason', async () => {
  const networkId = await cloud.newNetwork('island', '10.8.0.0/24')
  const id = await cloud.bootServer({ fields: { networks: [{ uuid: networkId }] } })
  const { ip: address } = await allocate()
  const answer = (await act(id, { addFloatingIp: { address } })).expect(400)
  assert.match(
    answer.body.badRequest.message,
    /^Unable to associate floating IP .* to fixed IP 10\.8\.0\.\d+ for instance .* Error: External network .* is not reachable/,
  )
  const bare = await cloud.bootServer({ fields: { networks: 'none' } })
  const notReady = (await act(bare, { addFloatingIp: { address } })).expect(400)
  assert.equal(notReady.body.badRequest.message, 'Instance network is not ready yet')
})
