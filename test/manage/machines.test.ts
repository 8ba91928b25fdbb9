/** nova-manage libvirt, image_property and volume_attachment: what servers keep of their machines and disks. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fromJson, newUuid } from '#base'
import { device } from '#model'
import { aSpec } from '#scheduler'
import type { Store } from '#store'
import { aServer, Deployment } from './cloud.ts'

let cloud: Deployment
let store: Store
before(async () => {
  cloud = await Deployment.open()
  store = await cloud.store()
})
after(() => cloud.close())

const image = {
  id: newUuid(),
  name: 'image',
  diskFormat: 'qcow2',
  containerFormat: 'bare',
  sizeBytes: 1,
  checksum: null,
  hashAlgorithm: null,
  hashValue: null,
  minDiskGiB: 0,
  minRamMiB: 0,
  properties: { hw_disk_bus: 'virtio' },
}

test('machine types: what a host has chosen, and newer versions of the same for servers at rest', async () => {
  const running = aServer('host-1', { systemMetadata: { image_hw_machine_type: 'pc-q35-7.2' } })
  const stopped = aServer('host-1', { vmState: 'stopped', image, systemMetadata: running.systemMetadata })
  const fresh = aServer('host-1', { vmState: 'stopped', image })
  const busy = aServer('host-1', { vmState: 'stopped', taskState: 'powering-on', image })
  await store.instances.create([running, stopped, fresh, busy, aServer(null, { vmState: 'building' })])
  await store.requestSpecs.save(stopped.id, aSpec({ image }))
  const get = (id: string) => cloud.run('libvirt', 'get_machine_type', id)
  const update = async (id: string, type: string, ...more: readonly string[]) =>
    (await cloud.run('libvirt', 'update_machine_type', id, type, ...more)).code
  assert.deepEqual(await get(running.id), { code: 0, stdout: 'pc-q35-7.2\n', stderr: '' })
  assert.equal((await get(newUuid())).code, 2)
  assert.equal((await get(fresh.id)).code, 3)
  const unset = await cloud.run('libvirt', 'list_unset_machine_type')
  assert.deepEqual(unset, { code: 3, stdout: `${fresh.id}\n${busy.id}\n`, stderr: '' })
  assert.equal((await cloud.run('libvirt', 'list_unset_machine_type', '--cell-uuid', newUuid())).code, 2)
  assert.deepEqual(
    [
      await update(newUuid(), 'q35'),
      await update(running.id, 'pc-q35-8.0'),
      await update(busy.id, 'q35'),
      await update(stopped.id, 'pc'),
      await update(stopped.id, 'pc-q35-7.1'),
      await update(stopped.id, 'pc-i440fx-9.0'),
      await update(stopped.id, 'isapc'),
    ],
    [2, 3, 3, 4, 4, 4, 5],
  )
  const { stdout } = await cloud.run('libvirt', 'update_machine_type', stopped.id, 'pc-q35-10.0')
  assert.equal(stdout, `Updated instance ${stopped.id} machine type to pc-q35-10.0 (previously pc-q35-7.2)\n`)
  assert.equal((await get(stopped.id)).stdout, 'pc-q35-10.0\n')
  const moved = await store.requestSpecs.find(stopped.id)
  assert.deepEqual(moved?.image?.properties, { hw_disk_bus: 'virtio', hw_machine_type: 'pc-q35-10.0' })
  assert.deepEqual([await update(running.id, 'pc', '--force'), await update(running.id, 'pc')], [0, 0])
  assert.equal((await get(running.id)).stdout, 'pc\n')
  assert.deepEqual([await update(fresh.id, 'q35'), await update(busy.id, 'q35', '--force')], [0, 0])
  const none = await cloud.run('libvirt', 'list_unset_machine_type')
  assert.deepEqual([none.code, none.stdout], [0, 'No instances found without hw_machine_type set.\n'])
})

test('image properties are shown and set, for this server alone', async () => {
  const server = aServer('host-1', { vmState: 'shelved_offloaded', image })
  const onVolume = aServer('host-1', { vmState: 'stopped', systemMetadata: { image_os_type: 'linux' } })
  await store.instances.create([server, onVolume])
  const show = (id: string, name: string) => cloud.run('image_property', 'show', id, name)
  const set = async (id: string, ...words: readonly string[]) =>
    (await cloud.run('image_property', 'set', id, ...words.flatMap(word => ['--property', word]))).code
  assert.equal((await show(server.id, 'hw_disk_bus')).stdout, 'virtio\n')
  assert.equal((await show(onVolume.id, 'os_type')).stdout, 'linux\n')
  assert.deepEqual([(await show(newUuid(), 'os_type')).code, (await show(server.id, 'os_type')).code], [2, 3])
  assert.deepEqual(
    [
      await set(newUuid(), 'hw_disk_bus=scsi'),
      await set(server.id, 'hw_disk_bus'),
      await set(server.id, 'hw_no_such=1'),
      await set(server.id, 'hw_disk_bus=cable'),
      await set(server.id, 'hw_disk_bus=scsi', 'os_command_line=a=b'),
      await set(onVolume.id, 'os_type=windows'),
    ],
    [2, 4, 5, 6, 0, 0],
  )
  const found = await store.instances.get(server.id)
  assert.deepEqual(found.image?.properties, { hw_disk_bus: 'scsi', os_command_line: 'a=b' })
  assert.deepEqual(fromJson((await cloud.run('image_property', 'show', onVolume.id, 'os_type', '--json')).stdout), {
    os_type: 'windows',
  })
  await store.instances.change(server.id, { vmState: 'active' }, Date.now())
  assert.equal(await set(server.id, 'hw_disk_bus=ide'), 3)
})

test('volumes of a server are shown as they are recorded', async () => {
  const server = aServer('host-1')
  const { id } = server
  const volumeId = newUuid()
  await store.instances.create([server])
  const disk = device({ source: 'volume', destination: 'volume', volumeId, deviceName: '/dev/vdb' })
  const [diskId = ''] = await store.blockDevices.add(id, [disk], Date.now())
  await store.blockDevices.change(diskId, {
    connectionInfo: { driverVolumeType: 'rbd', data: { name: 'volumes/one' } },
  })
  const show = (...args: readonly string[]) => cloud.run('volume_attachment', 'show', ...args)
  const { code, stdout } = await show(id, volumeId)
  assert.equal(code, 0)
  assert.match(stdout, /^\| Property +\| Value +\|$/m)
  assert.match(stdout, new RegExp(`^\\| device_name +\\| /dev/vdb +\\|$`, 'm'))
  assert.deepEqual(fromJson((await show(id, volumeId, '--connection_info', '--json')).stdout), {
    driver_volume_type: 'rbd',
    serial: volumeId,
    data: { name: 'volumes/one' },
  })
  assert.deepEqual([(await show(newUuid(), volumeId)).code, (await show(id, newUuid())).code], [2, 3])
})
