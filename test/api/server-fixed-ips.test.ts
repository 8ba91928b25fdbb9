import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, type Ask, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

const act = (id: string, body: Record<string, unknown>, ask: Ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { body, ...ask })

const addresses = async (id: string): Promise<string[]> =>
  (await cloud.server(id)).addresses['private'].map((item: Json) => item.addr)

test('a server gets one more address on its network, in the network and in its record, and gives it back', async () => {
  const id = await cloud.bootServer()
  const [first] = await addresses(id)
  ;(await act(id, { addFixedIp: { networkId: cloud.networkId } })).expect(202)
  const both = await addresses(id)
  assert.deepEqual([both.length, both[0]], [2, first])
  const { ports } = await cloud.neutron('GET', `/ports?device_id=${id}`)
  assert.deepEqual(
    ports[0].fixed_ips.map((ip: Json) => ip.ip_address),
    both,
  )
  ;(await act(id, { removeFixedIp: { address: first } })).expect(202)
  assert.deepEqual(await addresses(id), both.slice(1))
})

test('refusals name the server', async () => {
  const id = await cloud.bootServer()
  const unknown = (await act(id, { removeFixedIp: { address: '10.7.0.250' } })).expect(400)
  assert.equal(unknown.body.badRequest.message, `Instance ${id} does not have fixed IP '10.7.0.250'.`)
  for (const networkId of [newUuid(), await cloud.newNetwork('other', '10.9.0.0/24')]) {
    const nowhere = (await act(id, { addFixedIp: { networkId } })).expect(404)
    assert.equal(nowhere.body.itemNotFound.message, `Network could not be found for instance ${id}.`)
  }
  const body = { addFixedIp: { networkId: cloud.networkId } }
  ;(await act(newUuid(), body)).expect(404)
  ;(await act(id, body, { as: cloud.stranger })).expect(404)
  ;(await act(id, body, { as: cloud.reader })).expect(403)
  ;(await act(id, body, { version: '2.43' })).expect(202)
  ;(await act(id, body, { version: '2.44' })).expect(404)
  ;(await act(id, { addFixedIp: {} })).expect(400)
  await act(id, { lock: null })
  ;(await act(id, body)).expect(409)
})
