import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { HypervisorError } from '#virt'
import type { Json } from './answer.ts'
import { type ApiCloud, glanceAddress, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud({ quotas: { metadata_items: 3, instances: 30, cores: 30 } })
})
after(() => cloud.close())

const act = (id: string, body: object, ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, body, ...ask })
const snapshot = (id: string, ask = {}, more = {}) => act(id, { createImage: { name: 'snap', ...more } }, ask)
const image = (id: string) => cloud.deps.images.get('service', id)
const imagesOf = (serverId: string) => cloud.deps.images.list('service', { properties: { instance_uuid: serverId } })
const whenActive = (id: string) =>
  waitFor('the image', async () => ((await image(id)).status === 'active' ? image(id) : undefined), {
    deadlineMs: 60_000,
  })

async function content(id: string): Promise<Buffer> {
  const chunks = []
  for await (const chunk of await cloud.deps.images.download('service', id)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('the image has the disk as it is, and says what Nova says of it', async () => {
  const id = await cloud.bootServer()
  cloud.driver.writeDisk(id as never, 100, Buffer.from('what the guest wrote'))
  const { image_id: imageId } = (await snapshot(id, {}, { metadata: { mine: 'yes', image_state: 'odd' } })).expect(
    202,
  ).body
  const known = await image(imageId)
  assert.deepEqual([known.name, known.visibility, known.ownerId], ['snap', 'private', cloud.member.projectId])
  await cloud.waitForStatus(id, 'ACTIVE')
  const made = await whenActive(imageId)
  assert.deepEqual([made.diskFormat, made.containerFormat, made.sizeBytes, made.minDiskGiB], ['raw', 'bare', 4096, 1])
  const { owner_user_name, owner_project_name, boot_roles, ...properties } = made.properties
  assert.ok(owner_user_name !== undefined && owner_project_name !== undefined && boot_roles?.includes('member'))
  assert.deepEqual(properties, {
    base_image_ref: cloud.imageId,
    image_location: 'snapshot',
    image_state: 'available',
    image_type: 'snapshot',
    instance_uuid: id,
    mine: 'yes',
    os_distro: 'debian',
    owner_id: cloud.member.projectId,
    user_id: cloud.member.userId,
  })
  assert.equal((await content(imageId)).subarray(100, 120).toString(), 'what the guest wrote')
})

test('a server made from a snapshot has its disk, and remembers where it came from', async () => {
  const id = await cloud.bootServer()
  cloud.driver.writeDisk(id as never, 0, Buffer.from('handed down'))
  const first = (await snapshot(id)).expect(202).body.image_id
  await whenActive(first)
  await cloud.waitForStatus(id, 'ACTIVE')
  const child = await cloud.bootServer({ fields: { imageRef: first } })
  const second = (await snapshot(child)).expect(202).body.image_id
  const made = await whenActive(second)
  assert.equal(made.properties['base_image_ref'], cloud.imageId)
  assert.equal((await content(second)).subarray(0, 11).toString(), 'handed down')
})

test('below 2.45 the answer is an address, below 2.39 properties are counted', async () => {
  const id = await cloud.bootServer()
  const many = { metadata: { a: '1', b: '2', c: '3', d: '4' } }
  ;(await snapshot(id, { version: '2.38' }, many)).refuses(403, 'Image metadata limit exceeded')
  const answer = (await snapshot(id, { version: '2.44' }, many)).expect(202)
  assert.equal(answer.text, '')
  const location = answer.headers.get('location') ?? ''
  assert.ok(location.startsWith(`${glanceAddress}/images/`), location)
  await whenActive(location.split('/').at(-1) ?? '')
  await cloud.waitForStatus(id, 'ACTIVE')
  const newer = (await snapshot(id, { version: '2.45' })).expect(202)
  assert.equal(newer.headers.get('location'), null)
  await whenActive(newer.body.image_id)
})

test('a stopped, a paused and a locked server can be copied too, and stay what they are', async () => {
  const id = await cloud.bootServer()
  for (const [action, status] of [
    ['pause', 'PAUSED'],
    ['unpause', 'ACTIVE'],
    ['os-stop', 'SHUTOFF'],
  ] as const) {
    ;(await act(id, { [action]: null })).expect(202)
    await cloud.waitForStatus(id, status)
    await whenActive((await snapshot(id)).expect(202).body.image_id)
    assert.equal((await cloud.waitForStatus(id, status)).status, status)
  }
  ;(await act(id, { lock: null })).expect(202)
  await whenActive((await snapshot(id)).expect(202).body.image_id)
})

test('an administrator of another project shares his image with the owner of the server', async () => {
  const id = await cloud.bootServer()
  const { image_id: imageId } = (await snapshot(id, { as: cloud.admin })).expect(202).body
  const made = await whenActive(imageId)
  assert.deepEqual([made.visibility, made.ownerId], ['shared', cloud.admin.projectId])
  const owner = await cloud.deps.identity.validate(cloud.member.token)
  assert.equal((await cloud.deps.images.get(owner, imageId)).id, imageId)
  assert.equal(made.properties['owner_id'], cloud.member.projectId)
  await cloud.waitForStatus(id, 'ACTIVE')
})

test('refused: strangers, readers, wrong states, odd names and properties; no image is left', async () => {
  const id = await cloud.bootServer()
  ;(await snapshot(id, { as: cloud.stranger })).refuses(404, `Instance ${id} could not be found.`)
  ;(await snapshot(id, { as: cloud.reader })).refuses(403, /create_image/)
  ;(await snapshot(newUuid())).expect(404)
  ;(await act(id, { createImage: {} })).expect(400)
  ;(await act(id, { createImage: { name: '' } })).expect(400)
  ;(await act(id, { createImage: { name: ' snap ' } })).expect(400)
  ;(await act(id, { createImage: { name: 'x'.repeat(256) } })).expect(400)
  ;(await act(id, { createImage: { name: 'snap', metadata: { a: 1 } } })).expect(400)
  ;(await snapshot(id, {}, { metadata: { min_disk: 'much' } })).refuses(400, /^HTTP 400 Bad Request: /)
  ;(await snapshot(id, {}, { metadata: { status: 'active' } })).refuses(403, /^HTTP 403 Forbidden: /)
  ;(await act(id, { 'os-resetState': { state: 'error' } }, { as: cloud.admin })).expect(202)
  const refused = await snapshot(id)
  refused.refuses(409, `Cannot 'createImage' instance ${id} while it is in vm_state error`)
  assert.deepEqual(await imagesOf(id), [])
})

test('a hypervisor that fails: fault and failed event, the server as before, no image', async () => {
  const id = await cloud.bootServer()
  cloud.driver.failNext('snapshot', HypervisorError({ operation: 'snapshot', reason: 'planned' }))
  const { image_id: imageId } = (await snapshot(id)).expect(202).body
  await cloud.waitForStatus(id, 'ACTIVE')
  await assert.rejects(image(imageId), /could not be found/)
  const actions = (await cloud.request('GET', `/servers/${id}/os-instance-actions`, { version: newest })).body
    .instanceActions
  const action = actions.find((each: Json) => each.action === 'createImage')
  assert.equal(action.message, 'Error')
  const path = `/servers/${id}/os-instance-actions/${action.request_id}`
  const { events } = (await cloud.request('GET', path, { version: newest, as: cloud.admin })).body.instanceAction
  assert.deepEqual(
    events.map((event: Json) => [event.event, event.result, event.details]),
    [['compute_snapshot_instance', 'Error', 'snapshot failed: planned']],
  )
  await whenActive((await snapshot(id)).expect(202).body.image_id)
})

test('an image deleted while it is made, and a server deleted while it is copied', async () => {
  const id = await cloud.bootServer()
  const first = (await snapshot(id)).expect(202).body.image_id
  await cloud.deps.images.remove('service', first)
  await cloud.waitForStatus(id, 'ACTIVE')
  ;(await snapshot(id)).expect(202)
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
  for (const left of await imagesOf(id)) assert.equal(left.status, 'active')
})

test('while one is made another one is refused', async () => {
  const id = await cloud.bootServer()
  const answers = await Promise.all([snapshot(id), snapshot(id), snapshot(id)])
  const accepted = answers.filter(answer => answer.status === 202)
  for (const answer of answers.filter(each => each.status !== 202))
    answer.refuses(409, /^Cannot 'createImage' instance .* task_state image_/)
  assert.ok(accepted.length >= 1)
  for (const answer of accepted) await whenActive(answer.body.image_id)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal((await imagesOf(id)).length, accepted.length)
})
