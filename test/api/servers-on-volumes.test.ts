import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId } from '#base'
import { HypervisorError } from '#virt'
import { type ApiCloud, newest, startCloud } from './harness.ts'
import { anImage } from './images.ts'

let cloud: ApiCloud
let id: string
let volumeId: string
before(async () => {
  cloud = await startCloud()
  const disk = {
    boot_index: 0,
    uuid: await anImage(cloud, 'first'),
    source_type: 'image',
    destination_type: 'volume',
    volume_size: 1,
    delete_on_termination: true,
  }
  const server = {
    name: 'on-volume',
    flavorRef: cloud.flavorId,
    networks: 'none',
    block_device_mapping_v2: [disk],
  }
  id = (await cloud.request('POST', '/servers', { version: newest, body: { server } })).expect(202).body.server.id
  const made = await cloud.waitForStatus(id, 'ACTIVE')
  volumeId = made['os-extended-volumes:volumes_attached'][0].id
})
after(() => cloud.close())

const act = (body: unknown, version = newest) => cloud.request('POST', `/servers/${id}/action`, { version, body })
const volume = () => cloud.deps.volumes.get('service', volumeId)
const settled = (status = 'ACTIVE') => cloud.waitForStatus(id, status)

test('rescue: since 2.87, with an image that has a place of its own', async () => {
  const refusal = `Instance ${id} cannot be rescued: Cannot rescue a volume-backed instance`
  const plain = await anImage(cloud, 'plain')
  const stable = await anImage(cloud, 'stable', { hw_rescue_device: 'disk', hw_rescue_bus: 'virtio' })
  ;(await act({ rescue: { rescue_image_ref: stable } }, '2.86')).refuses(400, refusal)
  ;(await act({ rescue: { rescue_image_ref: plain } })).refuses(400, refusal)
  ;(await act({ rescue: null })).refuses(400, refusal)
  ;(await act({ rescue: { rescue_image_ref: stable } }, '2.87')).expect(200)
  await settled('RESCUE')
  assert.equal(cloud.driver.recordOf(instanceId(id))?.rescue?.isStable, true)
  ;(await act({ unrescue: null })).expect(202)
  await settled()
})

test('rebuild from the same image keeps the volume', async () => {
  const image = (await volume()).imageMetadata['image_id']
  ;(await act({ rebuild: { imageRef: image } }, '2.1')).expect(202)
  const server = await settled()
  assert.equal(server.image, '')
  assert.equal(server['os-extended-volumes:volumes_attached'][0].id, volumeId)
  assert.equal((await volume()).status, 'in-use')
})

test('rebuild from another image: since 2.93, and the volume gets its content', async () => {
  const other = await anImage(cloud, 'other', { hw_disk_bus: 'scsi' })
  const rebuild = { imageRef: other }
  ;(await act({ rebuild }, '2.92')).refuses(
    400,
    `Image ${other} is unacceptable: Unable to rebuild with a different image for a volume-backed server.`,
  )
  ;(await act({ rebuild: { ...rebuild, trusted_image_certificates: ['x'] } })).refuses(
    400,
    'Image certificate validation is not supported for volume-backed servers.',
  )
  ;(await act({ rebuild }, '2.93')).expect(202)
  const server = await settled()
  const now = await volume()
  assert.equal(now.imageMetadata['image_id'], other)
  assert.equal(now.status, 'in-use')
  assert.equal(server['os-extended-volumes:volumes_attached'][0].id, volumeId)
  assert.equal((await cloud.store.instances.get(id)).systemMetadata['image_hw_disk_bus'], 'scsi')
  const [device] = await cloud.store.blockDevices.of(id)
  assert.ok(device?.connectionInfo !== null && device?.attachmentId !== null)
  assert.equal((await cloud.deps.volumes.attachments('service', { volumeId, serverId: id })).length, 1)
})

test('a host that fails leaves an error with the volume, which another rebuild mends', async () => {
  cloud.driver.failNext('rebuild', HypervisorError({ operation: 'rebuild', reason: 'x' }))
  const other = await anImage(cloud, 'third')
  ;(await act({ rebuild: { imageRef: other } })).expect(202)
  await settled('ERROR')
  assert.equal((await volume()).status, 'in-use')
  ;(await act({ rebuild: { imageRef: other } })).expect(202)
  await settled()
})

test('a volume that is not in use is no ground to build on', async () => {
  await cloud.deps.volumes.beginDetaching('service', volumeId)
  const words = `Invalid volume: volume '${volumeId}' status must be 'in-use'. Currently in 'detaching' status`
  const image = (await volume()).imageMetadata['image_id']
  ;(await act({ rebuild: { imageRef: image } })).refuses(400, words)
  ;(await act({ rescue: null })).refuses(409, words)
  await cloud.deps.volumes.rollDetaching('service', volumeId)
})
