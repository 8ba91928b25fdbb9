import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'
import { openOutside } from './outside.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
  await openOutside(cloud)
})
after(() => cloud.close())

const fields = [
  'id',
  'label',
  'cidr',
  'netmask',
  'gateway',
  'broadcast',
  'dns1',
  'dns2',
  'cidr_v6',
  'gateway_v6',
  'netmask_v6',
]

test('networks are those the caller sees, with what is left of nova-network', async () => {
  const { networks } = (await cloud.request('GET', '/os-networks', { version: '2.35' })).expect(200).body
  assert.deepEqual(networks.map((n: Json) => n.label).sort(), ['private', 'public'])
  const own = networks.find((n: Json) => n.id === cloud.networkId)
  assert.deepEqual(Object.keys(own).sort(), fields.toSorted())
  assert.deepEqual([own.cidr, own.gateway], [null, null])
  const one = (await cloud.request('GET', `/os-networks/${cloud.networkId}`)).expect(200).body.network
  assert.deepEqual(one, own)
  const admins = (await cloud.request('GET', `/os-networks/${cloud.networkId}`, { as: cloud.admin })).body.network
  assert.equal(Object.keys(admins).length, 32)
  const missing = (await cloud.request('GET', `/os-networks/${newUuid()}`)).expect(404)
  assert.equal(missing.body.itemNotFound.message, 'Network not found')
  ;(await cloud.request('GET', `/os-networks/${cloud.networkId}`, { as: cloud.stranger })).expect(404)
})

test('projects see them with an address range called None', async () => {
  const one = (await cloud.request('GET', `/os-tenant-networks/${cloud.networkId}`)).expect(200).body.network
  assert.deepEqual(one, { id: cloud.networkId, cidr: 'None', label: 'private' })
  const { networks } = (await cloud.request('GET', '/os-tenant-networks')).expect(200).body
  assert.ok(networks.some((n: Json) => n.id === cloud.networkId))
})

test('from 2.36 on they are not there; what wrote them is gone at every version', async () => {
  for (const path of [
    '/os-networks',
    '/os-tenant-networks',
    '/os-floating-ips',
    '/os-floating-ip-pools',
    '/os-security-groups',
  ])
    (await cloud.request('GET', path, { version: '2.36' })).expect(404)
  for (const version of ['2.1', newest]) {
    const gone = (await cloud.request('POST', '/os-networks', { version, body: {} })).expect(410)
    assert.match(gone.body.computeFault.message, /no longer available/)
    ;(await cloud.request('DELETE', `/os-tenant-networks/${cloud.networkId}`, { version })).expect(410)
    ;(await cloud.request('GET', `/servers/${newUuid()}/os-virtual-interfaces`, { version })).expect(410)
    const body = { disassociate: null }
    ;(await cloud.request('POST', `/os-networks/${cloud.networkId}/action`, { version, body })).expect(410)
  }
})
