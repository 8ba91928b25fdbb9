import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { storeMetadata } from '#metadata'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
})
after(() => cloud.close())

const path = () => `/servers/${id}/os-server-password`
const post = (password: string) =>
  storeMetadata({
    storeOf: async () => cloud.store,
    lookup: async () => ({ deviceId: id }),
    defaultZone: 'nova',
    nowMs: () => cloud.deps.clock.now(),
  }).savePassword(instanceId(id), password)

test('what the guest posts to the metadata service is shown, and cleared for the next one', async () => {
  assert.deepEqual((await cloud.request('GET', path())).expect(200).body, { password: '' })
  const secret = 'x'.repeat(300) + 'y'.repeat(300)
  assert.equal(await post(secret), true)
  assert.equal(await post('another'), false)
  assert.equal((await cloud.request('GET', path(), { as: cloud.reader })).expect(200).body.password, secret)
  const { systemMetadata } = await cloud.store.instances.get(id)
  assert.deepEqual(
    [0, 1, 2, 3].map(part => systemMetadata[`password_${part}`]?.length),
    [255, 255, 90, 0],
  )
  assert.equal((await cloud.request('DELETE', path())).expect(204).text, '')
  assert.equal((await cloud.request('GET', path())).body.password, '')
  assert.equal(await post('another'), true)
})

test('who may, and of which server', async () => {
  ;(await cloud.request('DELETE', path(), { as: cloud.reader })).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-server-password:clear to be performed.",
  )
  for (const method of ['GET', 'DELETE']) {
    ;(await cloud.request(method, path(), { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
  }
  ;(await cloud.request('GET', `${path()}?x=1`, { version: '2.101' })).expect(200)
  ;(await cloud.request('GET', `${path()}?x=1`, { version: newest })).expect(400)
})
