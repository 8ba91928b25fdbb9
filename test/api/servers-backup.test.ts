import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { waitFor } from '#base'
import { type ApiCloud, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ quotas: { metadata_items: 2 } })
})
after(() => cloud.close())

const backup = (id: string, fields: object = {}, ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, {
    version: newest,
    body: { createBackup: { name: 'a backup', backup_type: 'daily', rotation: 2, ...fields } },
    ...ask,
  })

const ofServer = async (id: string) =>
  (await cloud.deps.images.list('service', { properties: { instance_uuid: id } })).map(image => image.id)

/** Its id, when the server is idle again. */
async function made(id: string, fields: object = {}): Promise<string> {
  const imageId = (await backup(id, fields)).expect(202).body.image_id
  await cloud.waitForStatus(id, 'ACTIVE')
  return imageId
}

test('the newest of a type stay, as many as asked for; other types and other images are not touched', async () => {
  const id = await cloud.bootServer()
  const weekly = await made(id, { backup_type: 'weekly' })
  const [first, second] = [await made(id), await made(id)]
  const image = await cloud.deps.images.get('service', second)
  assert.deepEqual(
    [image.status, image.diskFormat, image.properties['image_type'], image.properties['backup_type']],
    ['active', 'raw', 'backup', 'daily'],
  )
  const third = await made(id)
  await waitFor('the first to go', async () => ((await ofServer(id)).includes(first) ? undefined : true), {
    deadlineMs: 60_000,
  })
  assert.deepEqual((await ofServer(id)).toSorted(), [weekly, second, third].toSorted())
  await made(id, { rotation: '1' })
  await waitFor('all but one to go', async () => ((await ofServer(id)).length === 2 ? true : undefined), {
    deadlineMs: 60_000,
  })
})

test('rotated out at once: no address below 2.45, the id since then', async () => {
  const id = await cloud.bootServer()
  const old = (await backup(id, { rotation: 0 }, { version: '2.44' })).expect(202)
  assert.deepEqual([old.text, old.headers.get('location')], ['', null])
  await cloud.waitForStatus(id, 'ACTIVE')
  const kept = (await backup(id, {}, { version: '2.44' })).expect(202)
  const imageId = (await ofServer(id))[0]
  assert.equal(kept.headers.get('location'), `${cloud.url}/v2.1/images/${imageId}`)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.match((await backup(id, { rotation: 0 })).expect(202).body.image_id, /^[0-9a-f-]{36}$/)
  await cloud.waitForStatus(id, 'ACTIVE')
  await waitFor('all to go', async () => ((await ofServer(id)).length === 0 ? true : undefined), { deadlineMs: 60_000 })
})

test('an image that its owner protects stays, and the backup is done', async () => {
  const id = await cloud.bootServer()
  const first = await made(id, { rotation: 1 })
  await cloud.deps.images.update('service', first, { properties: { kept: 'yes' } })
  const second = await made(id, { rotation: 1 })
  await waitFor('the first to go', async () => ((await ofServer(id)).length === 1 ? true : undefined), {
    deadlineMs: 60_000,
  })
  assert.deepEqual(await ofServer(id), [second])
})

test('refused', async () => {
  const id = await cloud.bootServer()
  for (const fields of [
    { rotation: -1 },
    { rotation: 'x' },
    { rotation: null },
    { backup_type: 1 },
    { name: '' },
    { more: 1 },
  ])
    (await backup(id, fields)).expect(400)
  ;(await backup(id, { metadata: { a: '1', b: '2', c: '3' } }, { version: '2.38' })).refuses(
    403,
    'Image metadata limit exceeded',
  )
  ;(await backup(id, {}, { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
  ;(await backup(id, {}, { as: cloud.reader })).refuses(403, /os-create-backup/)
  const reset = { 'os-resetState': { state: 'error' } }
  ;(await cloud.request('POST', `/servers/${id}/action`, { as: cloud.admin, body: reset })).expect(202)
  ;(await backup(id)).refuses(409, `Cannot 'createBackup' instance ${id} while it is in vm_state error`)
  assert.deepEqual(await ofServer(id), [])
})
