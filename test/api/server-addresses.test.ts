import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { type ApiCloud, type Json, startCloud } from './harness.ts'
import { openOutside } from './outside.ts'

let cloud: ApiCloud
let publicId: string
let subnetId: string

before(async () => {
  cloud = await startCloud()
  ;({ networkId: publicId, insideId: subnetId } = await openOutside(cloud))
})
after(() => cloud.close())

const addresses = async (id: string): Promise<[string, string][]> =>
  (await cloud.server(id)).addresses.private.map((item: Json) => [item['OS-EXT-IPS:type'], item.addr])

const portOf = async (id: string) => (await cloud.neutron('GET', `/ports?device_id=${id}`)).ports[0]

test('a floating address shows as soon as the network has put it on a port, and goes at once', async () => {
  const id = await cloud.bootServer()
  const port = await portOf(id)
  const fixed = port.fixed_ips[0].ip_address
  const { floatingip } = await cloud.neutron('POST', '/floatingips', {
    floatingip: { floating_network_id: publicId, port_id: port.id },
  })
  const both = [
    ['fixed', fixed],
    ['floating', floatingip.floating_ip_address],
  ]
  assert.deepEqual(await addresses(id), both)
  const found = await cloud.request('GET', `/servers?ip=${floatingip.floating_ip_address}`)
  assert.deepEqual(
    found.expect(200).body.servers.map((server: Json) => server.id),
    [id],
  )
  const other = await cloud.bootServer()
  const on = { floatingip: { port_id: (await portOf(other)).id } }
  await cloud.neutron('PUT', `/floatingips/${floatingip.id}`, on)
  assert.deepEqual(await addresses(id), [['fixed', fixed]])
  assert.deepEqual((await addresses(other))[1], ['floating', floatingip.floating_ip_address])
  await cloud.neutron('DELETE', `/floatingips/${floatingip.id}`)
  assert.equal((await addresses(other)).length, 1)
})

test('addresses given to a port show on its server, each with its own floating address', async () => {
  const id = await cloud.bootServer()
  const port = await portOf(id)
  const fixed_ips = [...port.fixed_ips, { subnet_id: subnetId, ip_address: '10.7.0.200' }]
  await cloud.neutron('PUT', `/ports/${port.id}`, { port: { fixed_ips } })
  const { floatingip } = await cloud.neutron('POST', '/floatingips', {
    floatingip: { floating_network_id: publicId, port_id: port.id, fixed_ip_address: '10.7.0.200' },
  })
  assert.deepEqual(await addresses(id), [
    ['fixed', port.fixed_ips[0].ip_address],
    ['fixed', '10.7.0.200'],
    ['floating', floatingip.floating_ip_address],
  ])
  // The floating address leaves with the fixed one that it stood for.
  await cloud.neutron('PUT', `/ports/${port.id}`, { port: { fixed_ips: port.fixed_ips } })
  assert.deepEqual(await addresses(id), [['fixed', port.fixed_ips[0].ip_address]])
})

test('groups put on a port and renamed in the network show on its server', async () => {
  const id = await cloud.bootServer()
  const { security_group: group } = await cloud.neutron('POST', '/security-groups', { security_group: { name: 'web' } })
  await cloud.neutron('PUT', `/ports/${(await portOf(id)).id}`, { port: { security_groups: [group.id] } })
  assert.deepEqual((await cloud.server(id)).security_groups, [{ name: 'web' }])
  await cloud.neutron('PUT', `/security-groups/${group.id}`, { security_group: { name: 'www' } })
  assert.deepEqual((await cloud.server(id)).security_groups, [{ name: 'www' }])
})

test('a port that the network deletes is an interface less, in the record and in the guest', async () => {
  const id = await cloud.bootServer()
  const port = await portOf(id)
  await cloud.neutron('DELETE', `/ports/${port.id}`)
  assert.deepEqual((await cloud.server(id)).addresses, {})
  assert.deepEqual(
    (await cloud.request('GET', `/servers/${id}/os-interface`)).expect(200).body.interfaceAttachments,
    [],
  )
  const nics = (await cloud.driver.guest(instanceId(id)).diagnostics()).nics
  assert.deepEqual(nics, [])
})
