import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, newUuid, waitFor } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'
import { moreVolumes } from './volumes.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
  await moreVolumes(cloud)
})
after(() => cloud.close())

test('volumes through the Compute API, to 2.35', async () => {
  const wish = { size: '1', display_name: 'v', display_description: 'text', metadata: { a: 'b' } }
  const made = (await cloud.request('POST', '/os-volumes', { body: { volume: wish } })).expect(200)
  const { volume } = made.body
  assert.ok(made.headers.get('location')?.endsWith(`/os-volumes/${volume.id}`))
  assert.deepEqual(
    [
      volume.displayName,
      volume.displayDescription,
      volume.size,
      volume.metadata,
      volume.attachments,
      volume.snapshotId,
    ],
    ['v', 'text', 1, { a: 'b' }, [{}], null],
  )
  await cloud.volumeIs(volume.id, 'available')
  const shown = (await cloud.request('GET', `/os-volumes/${volume.id}`, { version: '2.35' })).expect(200).body.volume
  assert.equal(shown.status, 'available')
  for (const path of ['/os-volumes', '/os-volumes/detail']) {
    assert.deepEqual(
      (await cloud.request('GET', path)).expect(200).body.volumes.map((v: Json) => v.id),
      [volume.id],
    )
    assert.deepEqual((await cloud.request('GET', path, { as: cloud.stranger })).expect(200).body.volumes, [])
    assert.deepEqual((await cloud.request('GET', `${path}?offset=1`)).expect(200).body.volumes, [])
    assert.deepEqual((await cloud.request('GET', `${path}?limit=0`)).expect(200).body.volumes, [])
    ;(await cloud.request('GET', path, { version: '2.36' })).expect(404)
  }
  const id = await cloud.bootServer()
  const body = { volumeAttachment: { volumeId: volume.id } }
  ;(await cloud.request('POST', `/servers/${id}/os-volume_attachments`, { body })).expect(200)
  await cloud.volumeIs(volume.id, 'in-use')
  const { attachments } = (await cloud.request('GET', `/os-volumes/${volume.id}`)).body.volume
  assert.deepEqual(attachments, [{ id: volume.id, volumeId: volume.id, serverId: id, device: '/dev/vdb' }])
  ;(await cloud.request('DELETE', `/os-volumes/${volume.id}`)).expect(400)
  const unknown = newUuid()
  ;(await cloud.request('GET', `/os-volumes/${unknown}`)).refuses(404, `Volume ${unknown} could not be found.`)
  ;(await cloud.request('DELETE', `/os-volumes/${unknown}`)).refuses(404, `Volume ${unknown} could not be found.`)
  ;(await cloud.request('POST', '/os-volumes', { body: { volume: { size: 1, snapshot_id: unknown } } })).refuses(
    404,
    `Snapshot ${unknown} could not be found.`,
  )
  ;(await cloud.request('POST', '/os-volumes', { body: { volume: { size: 0 } } })).expect(400)
  ;(await cloud.request('POST', '/os-volumes', { body: { volume: {} } })).expect(400)
  ;(await cloud.request('POST', '/os-volumes', { as: cloud.reader, body: { volume: { size: 1 } } })).expect(403)
  const free = await cloud.newVolume()
  ;(await cloud.request('DELETE', `/os-volumes/${free}`)).expect(202)
  const isGone = async () => (await cloud.request('GET', `/os-volumes/${free}`)).status === 404 || undefined
  await waitFor('the volume to go', isGone, { deadlineMs: 60_000 })
  const path = `/os-quota-sets/${cloud.member.projectId}`
  await cloud.cinder('PUT', path, { quota_set: { volumes: 1 } }, cloud.admin)
  ;(await cloud.request('POST', '/os-volumes', { body: { volume: { size: 1 } } })).expect(403)
  await moreVolumes(cloud)
})

test('snapshots of volumes, to 2.35', async () => {
  const volumeId = await cloud.newVolume()
  const snapshot = { volume_id: volumeId, display_name: 's', force: 'false' }
  const made = (await cloud.request('POST', '/os-snapshots', { body: { snapshot } })).expect(200).body.snapshot
  assert.deepEqual([made.volumeId, made.size, made.displayName, made.displayDescription], [volumeId, 1, 's', null])
  const state = async () => (await cloud.request('GET', `/os-snapshots/${made.id}`)).expect(200).body.snapshot.status
  await waitFor('the snapshot', async () => ((await state()) === 'available' ? true : undefined), {
    deadlineMs: 60_000,
  })
  for (const path of ['/os-snapshots', '/os-snapshots/detail']) {
    assert.deepEqual(
      (await cloud.request('GET', path)).expect(200).body.snapshots.map((s: Json) => s.id),
      [made.id],
    )
    ;(await cloud.request('GET', path, { version: '2.36' })).expect(404)
  }
  const unknown = newUuid()
  ;(await cloud.request('GET', `/os-snapshots/${unknown}`)).refuses(404, `Snapshot ${unknown} could not be found.`)
  ;(await cloud.request('DELETE', `/os-snapshots/${unknown}`)).expect(404)
  ;(await cloud.request('DELETE', `/os-snapshots/${made.id}`)).expect(202)
})

test('os-volumes_boot is another address of servers, to 2.102', async () => {
  const volumeId = await cloud.newVolume({ imageRef: cloud.imageId })
  const root = { source_type: 'volume', uuid: volumeId, destination_type: 'volume', boot_index: 0 }
  const server = { name: 'b', flavorRef: cloud.flavorId, networks: 'none', block_device_mapping_v2: [root] }
  const version = '2.102'
  const { id } = (await cloud.request('POST', '/os-volumes_boot', { version, body: { server } })).expect(202).body
    .server
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal((await cloud.request('GET', `/os-volumes_boot/${id}`, { version })).expect(200).body.server.id, id)
  for (const path of ['/os-volumes_boot', '/os-volumes_boot/detail'])
    assert.ok((await cloud.request('GET', path, { version })).expect(200).body.servers.some((s: Json) => s.id === id))
  const renamed = await cloud.request('PUT', `/os-volumes_boot/${id}`, { version, body: { server: { name: 'c' } } })
  assert.equal(renamed.expect(200).body.server.name, 'c')
  const act = (body: object) => cloud.request('POST', `/os-volumes_boot/${id}/action`, { version, body })
  ;(await act({ 'os-stop': null })).expect(202)
  await cloud.waitForStatus(id, 'SHUTOFF')
  ;(await act({ pause: null })).expect(400)
  ;(await cloud.request('GET', `/os-volumes_boot/${id}`, { version, as: cloud.stranger })).expect(404)
  ;(await cloud.request('DELETE', `/os-volumes_boot/${id}`, { version, as: cloud.reader })).expect(403)
  ;(await cloud.request('GET', '/os-volumes_boot', { version: '2.103' })).expect(404)
  ;(await cloud.request('DELETE', `/os-volumes_boot/${id}`, { version })).expect(204)
  await cloud.waitUntilGone(id)
})

test('snapshots that only the hypervisor can make, for the volume service', async () => {
  const as = await cloud.add('cinder', 'service')
  const volumeId = await cloud.newVolume()
  const snapshotId = newUuid()
  const info = { snapshot_id: snapshotId, type: 'qcow2', new_file: 'volume.1' }
  const create = (create_info: object = info, who = as) =>
    cloud.request('POST', '/os-assisted-volume-snapshots', {
      as: who,
      body: { snapshot: { volume_id: volumeId, create_info } },
    })
  ;(await create(info, cloud.member)).expect(403)
  ;(await create()).refuses(400, `No volume Block Device Mapping with id ${volumeId}.`)
  ;(await create({ ...info, type: 'raw' })).expect(400)
  const id = await cloud.bootServer()
  const attach = { volumeAttachment: { volumeId } }
  ;(await cloud.request('POST', `/servers/${id}/os-volume_attachments`, { body: attach })).expect(200)
  await cloud.volumeIs(volumeId, 'in-use')
  assert.deepEqual((await create()).expect(200).body, { snapshot: { id: null, volumeId } })
  const overlays = () => cloud.driver.overlaysOf(instanceId(id), volumeId)
  const until = (files: readonly string[]) =>
    waitFor('the hypervisor', () => (overlays().join() === files.join() ? true : undefined), { deadlineMs: 60_000 })
  await until(['volume.1'])
  const remove = (deleteInfo: string, version = newest) =>
    cloud.request('DELETE', `/os-assisted-volume-snapshots/${snapshotId}?${deleteInfo}`, { as, version })
  ;(await remove('')).refuses(400, "'delete_info'")
  ;(await remove('delete_info={}')).refuses(400, "'volume_id'")
  ;(await remove('delete_info=x')).expect(400)
  ;(await remove('nonsense=1')).expect(400)
  const deleteInfo = (more: object = {}) =>
    `delete_info=${encodeURIComponent(JSON.stringify({ volume_id: volumeId, ...more }))}`
  ;(await cloud.request('POST', `/servers/${id}/action`, { body: { 'os-stop': null } })).expect(202)
  await cloud.waitForStatus(id, 'SHUTOFF')
  ;(await remove(deleteInfo({ merge_target_file: 'x' }))).refuses(
    400,
    `Cannot 'volume_snapshot_delete' instance ${id} while it is in vm_state stopped`,
  )
  ;(await remove(deleteInfo())).expect(204)
  await until([])
})
