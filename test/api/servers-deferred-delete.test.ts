import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { power } from '#virt'
import { type ApiCloud, newest, type Person, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ settings: { reclaimMs: 3_600_000 }, quotas: { instances: 2 } })
})
after(() => cloud.close())

const act = (id: string, body: unknown, as: Person = cloud.member) =>
  cloud.request('POST', `/servers/${id}/action`, { as, version: newest, body })
const remove = async (id: string) => (await cloud.request('DELETE', `/servers/${id}`)).expect(204)
const names = async (query = '', as: Person = cloud.member) =>
  (await cloud.request('GET', `/servers${query}`, { as })).expect(200).body.servers.map((s: { id: string }) => s.id)
const record = (id: string) => cloud.driver.recordOf(instanceId(id))

test('deleted, kept, off and out of sight; restored it runs again', async () => {
  const id = await cloud.bootServer()
  await remove(id)
  const away = await cloud.waitForStatus(id, 'SOFT_DELETED')
  assert.equal(away['OS-EXT-STS:vm_state'], 'soft-delete')
  assert.equal(record(id)?.power, power.shutdown)
  assert.deepEqual(await names(), [])
  assert.deepEqual(await names('?deleted=True&all_tenants=1', cloud.admin), [id])
  assert.deepEqual(await names('?soft_deleted=True&all_tenants=1', cloud.admin), [id])
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`)).body
  assert.equal(instanceActions[0].action, 'delete')
  ;(await act(id, { 'os-start': null })).refuses(
    409,
    `Cannot 'start' instance ${id} while it is in vm_state soft-delete`,
  )
  ;(await act(id, { restore: null }, cloud.reader)).refuses(403, /os-deferred-delete:restore/)
  ;(await act(id, { restore: null })).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal(record(id)?.power, power.running)
  assert.equal((await cloud.store.instances.get(id)).deletedAtMs, null)
  ;(await act(id, { restore: null })).refuses(409, `Cannot 'restore' instance ${id} while it is in vm_state active`)
  await remove(id)
  await cloud.waitForStatus(id, 'SOFT_DELETED')
  ;(await act(id, { forceDelete: null })).expect(202)
  await cloud.waitUntilGone(id)
  assert.equal(record(id), undefined)
})

test('what is put away does not count, and comes back only if there is room', async () => {
  const kept = await cloud.bootServer({ name: 'kept' })
  await remove(kept)
  await cloud.waitForStatus(kept, 'SOFT_DELETED')
  const first = await cloud.bootServer({ name: 'first' })
  const second = await cloud.bootServer({ name: 'second' })
  ;(await act(kept, { restore: null })).refuses(
    403,
    'Quota exceeded for instances: Requested 1, but already used 2 of 2 instances',
  )
  ;(await act(second, { forceDelete: null })).expect(202)
  await cloud.waitUntilGone(second)
  const answers = await Promise.all([1, 2].map(() => act(kept, { restore: null })))
  assert.deepEqual(answers.map(a => a.status).sort(), [202, 409])
  await cloud.waitForStatus(kept, 'ACTIVE')
  for (const id of [kept, first]) {
    ;(await act(id, { forceDelete: null })).expect(202)
    await cloud.waitUntilGone(id)
  }
})

test('a server that never ran, and one whose lock is kept', async () => {
  const flavorRef = await cloud.newFlavor({ name: 'huge', disk: 100_000 })
  const id = await cloud.bootServer({ fields: { flavorRef }, status: 'ERROR' })
  await remove(id)
  await cloud.waitUntilGone(id)
  const locked = await cloud.bootServer()
  ;(await act(locked, { lock: null })).expect(202)
  ;(await cloud.request('DELETE', `/servers/${locked}`)).refuses(409, `Instance ${locked} is locked`)
  ;(await act(locked, { forceDelete: null })).refuses(409, `Instance ${locked} is locked`)
})
