import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, waitFor } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'
import { anImage } from './images.ts'
import { moreVolumes } from './volumes.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
  await moreVolumes(cloud)
})
after(() => cloud.close())

const act = (id: string, action: string, args: unknown = null, ask = {}) =>
  cloud.request('POST', `/servers/${id}/action`, { version: newest, body: { [action]: args }, ...ask })

const fromVolume = (imageRef = cloud.imageId) =>
  cloud.bootServer({
    fields: {
      imageRef: '',
      block_device_mapping_v2: [
        { boot_index: 0, source_type: 'image', destination_type: 'volume', uuid: imageRef, volume_size: 1 },
      ],
    },
  })
const volumesOf = async (id: string): Promise<string[]> =>
  (await cloud.server(id))['os-extended-volumes:volumes_attached'].map((volume: Json) => volume.id)
const snapshots = async (): Promise<Json[]> => (await cloud.cinder('GET', '/snapshots/detail')).snapshots

test('createImage makes snapshots of the volumes and an image that names them; a server made of it has a volume of the snapshot', async () => {
  const id = await fromVolume()
  const [root] = await volumesOf(id)
  const data = await cloud.newVolume()
  ;(
    await cloud.request('POST', `/servers/${id}/os-volume_attachments`, {
      body: { volumeAttachment: { volumeId: data } },
    })
  ).expect(200)
  await cloud.volumeIs(data, 'in-use')
  await cloud.waitForStatus(id, 'ACTIVE')
  const { image_id: imageId } = (await act(id, 'createImage', { name: 'snap', metadata: { mine: 'yes' } })).expect(
    202,
  ).body
  const image = await cloud.deps.images.get('service', imageId)
  assert.deepEqual(
    [image.status, image.sizeBytes, image.ownerId, image.visibility, image.minDiskGiB],
    ['active', 0, cloud.member.projectId, 'private', 1],
  )
  const { block_device_mapping, ...properties } = image.properties
  assert.deepEqual(
    [
      properties['bdm_v2'],
      properties['mine'],
      properties['root_device_name'],
      properties['base_image_ref'],
      properties['instance_uuid'],
    ],
    ['True', 'yes', '/dev/vda', '', undefined],
  )
  const made = await snapshots()
  assert.deepEqual(new Set(made.map(snapshot => snapshot.volume_id)), new Set([root, data]))
  assert.ok(made.every(snapshot => snapshot.name === 'snapshot for snap'))
  const mapping = JSON.parse(block_device_mapping ?? '') as Json[]
  assert.deepEqual(new Set(mapping.map(device => device.snapshot_id)), new Set(made.map(snapshot => snapshot.id)))
  const rootDevice = mapping.find(device => device.boot_index === 0)
  assert.deepEqual(
    [
      rootDevice.source_type,
      rootDevice.destination_type,
      rootDevice.volume_size,
      rootDevice.device_name,
      rootDevice.volume_id,
    ],
    ['snapshot', 'volume', 1, '/dev/vda', null],
  )
  const events = (await cloud.request('GET', `/servers/${id}/os-instance-actions`, { version: newest })).body
    .instanceActions
  const action = events.find((each: Json) => each.action === 'createImage')
  const path = `/servers/${id}/os-instance-actions/${action.request_id}`
  const shown = (await cloud.request('GET', path, { version: newest, as: cloud.admin })).body.instanceAction
  assert.deepEqual(
    shown.events.map((event: Json) => [event.event, event.result]),
    [['api_snapshot_instance', 'Success']],
  )
  const proxied = (await cloud.request('GET', `/images/${imageId}`, { version: '2.35' })).expect(200).body.image
  assert.deepEqual(proxied.metadata.block_device_mapping, mapping)

  const child = await cloud.bootServer({ fields: { imageRef: imageId } })
  const [childRoot = ''] = await volumesOf(child)
  const { volume } = await cloud.cinder('GET', `/volumes/${childRoot}`)
  assert.equal(volume.snapshot_id, rootDevice.snapshot_id)
  assert.equal((await cloud.server(child)).image.id, imageId)
  ;(await act(child, 'shelve')).expect(202)
  await cloud.waitForStatus(child, 'SHELVED_OFFLOADED')
  ;(await act(child, 'unshelve')).expect(202)
  await cloud.waitForStatus(child, 'ACTIVE')
  const again = (await act(child, 'createImage', { name: 'again' })).expect(202).body.image_id
  const { properties: kept } = await cloud.deps.images.get('service', again)
  assert.equal(JSON.parse(kept['block_device_mapping'] ?? '').length, 2)
  assert.equal(kept['bdm_v2'], 'True')
})

test('refused: backups of volumes, too many snapshots; nothing is left', async () => {
  const id = await fromVolume()
  const backup = await act(id, 'createBackup', { name: 'b', backup_type: 'daily', rotation: 1 })
  backup.refuses(400, 'Backup is not supported for volume-backed instances.')
  const quota = (count: number) =>
    cloud.cinder('PUT', `/os-quota-sets/${cloud.member.projectId}`, { quota_set: { snapshots: count } }, cloud.admin)
  const before = (await snapshots()).length
  await quota(before)
  const refused = await act(id, 'createImage', { name: 'snap' })
  refused.refuses(403, 'Quota exceeded for resources: snapshots')
  await quota(100)
  assert.equal((await snapshots()).length, before)
  assert.deepEqual(await cloud.deps.images.list('service', { name: 'b' }), [])
  const reader = await act(id, 'createImage', { name: 'snap' }, { as: cloud.reader })
  reader.refuses(403, /create_image/)
})

test('on the shelf without an image, its volume kept for it, and back', async () => {
  const id = await fromVolume()
  const [root = ''] = await volumesOf(id)
  ;(await act(id, 'shelve')).expect(202)
  await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
  assert.deepEqual(await cloud.deps.images.list('service', { name: 'server-shelved' }), [])
  assert.deepEqual(await volumesOf(id), [root])
  await waitFor(
    'the volume to be held',
    async () => {
      const { volume } = await cloud.cinder('GET', `/volumes/${root}`)
      return volume.status === 'reserved' ? true : undefined
    },
    { deadlineMs: 60_000 },
  )
  assert.deepEqual(
    (await cloud.driver.list()).filter(guest => guest.id === id),
    [],
  )
  ;(await act(id, 'unshelve')).expect(202)
  await cloud.waitForStatus(id, 'ACTIVE')
  await cloud.volumeIs(root, 'in-use')
  assert.deepEqual(await volumesOf(id), [root])
  ;(await act(id, 'shelve')).expect(202)
  await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
  await cloud.volumeIs(root, 'available')
})

test('where volumes do not cross zones, the server comes back only to theirs', async () => {
  const strict = await startCloud({ hosts: ['host-1', 'host-2'], settings: { crossesZonesToAttach: false } })
  try {
    const as = { as: strict.admin }
    const body = { aggregate: { name: 'east', availability_zone: 'east' } }
    const { aggregate } = (await strict.request('POST', '/os-aggregates', { ...as, body })).expect(200).body
    const add = { add_host: { host: 'host-2' } }
    ;(await strict.request('POST', `/os-aggregates/${aggregate.id}/action`, { ...as, body: add })).expect(200)
    const root = {
      boot_index: 0,
      source_type: 'image',
      destination_type: 'volume',
      uuid: strict.imageId,
      volume_size: 1,
    }
    const id = await strict.bootServer({ fields: { imageRef: '', block_device_mapping_v2: [root] } })
    const ask = (request: object) => strict.request('POST', `/servers/${id}/action`, { version: newest, body: request })
    ;(await ask({ shelve: null })).expect(202)
    const { 'os-extended-volumes:volumes_attached': volumes } = await strict.waitForStatus(id, 'SHELVED_OFFLOADED')
    const refused = await ask({ unshelve: { availability_zone: 'east' } })
    refused.refuses(
      409,
      `The availability zone between the server and its attached volumes do not match: The specified availability zone does not match the volume ${volumes[0].id} attached to the server. Specified availability zone is east. Volume is in nova..`,
    )
    ;(await ask({ unshelve: { availability_zone: 'nova' } })).expect(202)
    await strict.waitForStatus(id, 'ACTIVE')
  } finally {
    await strict.close()
  }
})

test('the guest is held still while its volumes are copied, if it can be; where its image insists, it must', async () => {
  const name = async (properties: Readonly<Record<string, string>>): Promise<string> =>
    fromVolume(await anImage(cloud, 'quiet', properties))
  const frozenUntil = (id: string) => cloud.driver.recordOf(instanceId(id))?.frozenUntilMs
  const insists = { os_require_quiesce: 'yes' }
  const deaf = { hw_qemu_guest_agent: 'no' }

  const able = await name(insists)
  ;(await act(able, 'createImage', { name: 'held' })).expect(202)
  await waitFor('the guest to go on', () => (frozenUntil(able) === null ? true : undefined), { deadlineMs: 60_000 })

  const unable = await name({ ...insists, ...deaf })
  const before = (await snapshots()).length
  const refused = await act(unable, 'createImage', { name: 'not held' })
  refused.refuses(400, 'QEMU guest agent is not enabled')
  assert.equal((await snapshots()).length, before)
  assert.deepEqual(await cloud.deps.images.list('service', { name: 'not held' }), [])
  ;(await act(unable, 'os-stop')).expect(202)
  await cloud.waitForStatus(unable, 'SHUTOFF')
  ;(await act(unable, 'createImage', { name: 'at rest' })).expect(202)

  const loud = await name(deaf)
  ;(await act(loud, 'createImage', { name: 'as it is' })).expect(202)
  assert.equal(frozenUntil(loud), undefined)
})
