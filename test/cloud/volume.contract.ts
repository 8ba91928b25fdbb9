import assert from 'node:assert/strict'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { before, test } from 'node:test'
import { GiB, newUuid, waitFor } from '#base'
import {
  type As,
  type Caller,
  SnapshotNotFound,
  type Volume,
  VolumeAttachmentNotFound,
  VolumeInputRefused,
  VolumeNotFound,
  VolumeOverQuota,
  type VolumePort,
  VolumeSourceNotFound,
} from '#cloud'
import { newImage, newPerson, type World } from './world.ts'

/** The first bytes of a file. */
export function headOf(path: string, bytes: number): string {
  const file = openSync(path, 'r')
  const buffer = Buffer.alloc(bytes)
  readSync(file, buffer)
  closeSync(file)
  return buffer.toString()
}

const until = (volumes: VolumePort, as: As, id: string, status: string): Promise<Volume> =>
  waitFor(
    `volume ${id} to be ${status}`,
    async () => {
      const volume = await volumes.get(as, id)
      assert.ok(status === 'error' || volume.status !== 'error')
      return volume.status === status ? volume : undefined
    },
    { deadlineMs: 60_000, everyMs: 5 },
  )

const untilGone = (work: () => Promise<unknown>): Promise<unknown> =>
  waitFor(
    'the thing to be gone',
    () =>
      work().then(
        () => undefined,
        (error: unknown) => error,
      ),
    { deadlineMs: 60_000 },
  )

export function volumeContract(how: string, world: () => World): void {
  let owner: Caller
  let stranger: Caller
  let volumes: VolumePort
  let imageId: string
  const bits = 'the bits of a boot disk'
  const made = async (request: { sizeGiB?: number; imageId?: string; snapshotId?: string; sourceVolumeId?: string }) =>
    until(volumes, owner, (await volumes.create(owner, { name: 'v', ...request })).id, 'available')

  before(async () => {
    volumes = world().ports.volumes
    const person = await newPerson(world(), `volume owner ${how}`)
    owner = person.caller
    stranger = (await newPerson(world(), `volume stranger ${how}`)).caller
    const content = Buffer.concat([Buffer.from(bits), Buffer.alloc(3_000_000)])
    const wish = { name: 'disk', visibility: 'private', disk_format: 'raw', min_ram: 64, hw_disk_bus: 'scsi' } as const
    imageId = await newImage(person.rest, wish, content)
  })

  test(`${how}: a volume in full`, async () => {
    const request = { name: 'data', description: 'about it', sizeGiB: 2, metadata: { a: 'b' } }
    const { id, status } = await volumes.create(owner, request)
    assert.equal(status, 'creating')
    const { createdAtMs, projectId, ...volume } = await until(volumes, owner, id, 'available')
    assert.equal(projectId, owner.projectId)
    assert.ok(Math.abs(createdAtMs - Date.now()) < 60_000)
    assert.deepEqual(volume, {
      id,
      status: 'available',
      sizeGiB: 2,
      name: 'data',
      description: 'about it',
      availabilityZone: 'nova',
      isMultiattach: false,
      isBootable: false,
      isEncrypted: false,
      volumeType: '__DEFAULT__',
      snapshotId: null,
      sourceVolumeId: null,
      metadata: { a: 'b' },
      imageMetadata: {},
      migrationStatus: null,
      attachments: [],
    })
    assert.deepEqual(
      (await volumes.list(owner)).map(v => v.id),
      [id],
    )
    assert.ok((await volumes.list('service')).some(v => v.id === id))
    await volumes.delete(owner, id)
    assert.ok(VolumeNotFound.is(await untilGone(() => volumes.get(owner, id))))
  })

  test(`${how}: what one may not see does not exist`, async () => {
    const { id } = await made({ sizeGiB: 1 })
    assert.equal((await volumes.get('service', id)).id, id)
    await assert.rejects(volumes.get(stranger, id), VolumeNotFound.is)
    await assert.rejects(volumes.delete(stranger, id), VolumeNotFound.is)
    await assert.rejects(volumes.createAttachment(stranger, { volumeId: id, serverId: newUuid() }), VolumeNotFound.is)
    await assert.rejects(volumes.get('service', '../../v3/users'), VolumeNotFound.is)
    await assert.rejects(volumes.getSnapshot(owner, newUuid()), SnapshotNotFound.is)
    await assert.rejects(volumes.getAttachment(owner, newUuid()), VolumeAttachmentNotFound.is)
    await assert.rejects(volumes.create(owner, { name: 'x', snapshotId: newUuid() }), VolumeSourceNotFound.is)
    await assert.rejects(volumes.create(owner, { name: 'x', sizeGiB: 1, imageId: newUuid() }), VolumeInputRefused.is)
    assert.deepEqual(await volumes.list(stranger), [])
    await volumes.delete(owner, id)
  })

  test(`${how}: from an image, reserved, attached and given back`, async () => {
    const volume = await made({ sizeGiB: 1, imageId })
    assert.equal(volume.isBootable, true)
    const { image_id, min_ram, hw_disk_bus, disk_format } = volume.imageMetadata
    assert.deepEqual([image_id, min_ram, hw_disk_bus, disk_format], [imageId, '64', 'scsi', 'raw'])
    const serverId = newUuid()
    const reserved = await volumes.createAttachment(owner, { volumeId: volume.id, serverId })
    assert.deepEqual([reserved.status, reserved.serverId, reserved.connection], ['reserved', serverId, undefined])
    assert.equal((await volumes.get(owner, volume.id)).status, 'reserved')
    const second = volumes.createAttachment(owner, { volumeId: volume.id, serverId: newUuid() })
    await assert.rejects(second, VolumeInputRefused.is)
    const attaching = await volumes.updateAttachment(owner, reserved.id, { host: 'one', mountpoint: '/dev/vdb' })
    // Both are a path on this host.
    assert.match(attaching.connection?.driverVolumeType ?? '', /^(?:local|gpfs)$/)
    const { device_path: path, access_mode, encrypted } = attaching.connection?.data ?? {}
    assert.deepEqual([access_mode, encrypted], ['rw', false])
    assert.equal(headOf(String(path), bits.length), bits)
    assert.equal(statSync(String(path)).size, GiB)
    assert.equal((await volumes.get(owner, volume.id)).status, 'attaching')
    await volumes.completeAttachment(owner, reserved.id)
    const inUse = await volumes.get('service', volume.id)
    const attachment = { attachmentId: reserved.id, serverId, device: '/dev/vdb', hostName: 'one' }
    assert.deepEqual([inUse.status, inUse.attachments], ['in-use', [attachment]])
    await assert.rejects(volumes.delete(owner, volume.id), VolumeInputRefused.is)
    await volumes.beginDetaching(owner, volume.id)
    await assert.rejects(volumes.beginDetaching(owner, volume.id), VolumeInputRefused.is)
    await volumes.rollDetaching(owner, volume.id)
    assert.equal((await volumes.get(owner, volume.id)).status, 'in-use')
    await volumes.deleteAttachment(owner, reserved.id)
    await volumes.deleteAttachment(owner, reserved.id)
    assert.equal((await volumes.get(owner, volume.id)).status, 'available')
    await volumes.delete(owner, volume.id)
  })

  test(`${how}: snapshots carry the content on`, async () => {
    const volume = await made({ sizeGiB: 1, imageId })
    const request = { volumeId: volume.id, name: 's', description: null, isForced: true }
    const { id } = await volumes.createSnapshot(owner, request)
    const snapshot = await waitFor(
      'the snapshot',
      async () => {
        const now = await volumes.getSnapshot('service', id)
        return now.status === 'available' ? now : undefined
      },
      { deadlineMs: 60_000 },
    )
    assert.deepEqual([snapshot.volumeId, snapshot.sizeGiB, snapshot.projectId], [volume.id, 1, owner.projectId])
    assert.deepEqual(
      (await volumes.listSnapshots(owner)).map(s => s.id),
      [id],
    )
    await assert.rejects(volumes.delete(owner, volume.id), VolumeInputRefused.is)
    const copy = await made({ snapshotId: id, sizeGiB: 2 })
    assert.deepEqual([copy.isBootable, copy.snapshotId, copy.sizeGiB], [true, id, 2])
    const clone = await made({ sourceVolumeId: copy.id })
    const wish = { volumeId: clone.id, serverId: newUuid(), connector: { host: 'two' } }
    const { connection, id: attachmentId } = await volumes.createAttachment(owner, wish)
    assert.equal(headOf(String(connection?.data.device_path), bits.length), bits)
    await volumes.deleteAttachment(owner, attachmentId)
    await volumes.deleteSnapshot(owner, id)
    assert.ok(SnapshotNotFound.is(await untilGone(() => volumes.getSnapshot(owner, id))))
    for (const one of [volume, copy, clone]) await volumes.delete(owner, one.id)
  })

  test(`${how}: one server of many gets a volume`, async () => {
    const { id } = await made({ sizeGiB: 1 })
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, () => volumes.createAttachment(owner, { volumeId: id, serverId: newUuid() })),
    )
    const won = all.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    assert.equal(won.length, 1)
    for (const result of all) if (result.status === 'rejected') assert.ok(VolumeInputRefused.is(result.reason))
    for (const { id } of won) await volumes.deleteAttachment(owner, id)
    await volumes.delete(owner, id)
  })

  test(`${how}: new content for a reserved volume, and Nova hears of it`, async () => {
    const { id } = await made({ sizeGiB: 1 })
    const serverId = newUuid()
    const attachment = await volumes.createAttachment(owner, { volumeId: id, serverId })
    await volumes.reimage(owner, id, imageId, { isReserved: true })
    await until(volumes, owner, id, 'reserved')
    await waitFor(
      'the event',
      () =>
        world()
          .computeEvents()
          .find(e => e.name === 'volume-reimaged' && e.serverId === serverId),
      { deadlineMs: 60_000 },
    )
    const { connection } = await volumes.updateAttachment(owner, attachment.id, { host: 'one' })
    assert.equal(headOf(String(connection?.data.device_path), bits.length), bits)
    await volumes.deleteAttachment(owner, attachment.id)
    await volumes.completeExtend(owner, id, { isFailed: false })
    await volumes.delete(owner, id)
  })

  test(`${how}: after a swap the new volume is in use`, async () => {
    const [old, fresh] = [await made({ sizeGiB: 1 }), await made({ sizeGiB: 1 })]
    const serverId = newUuid()
    const first = await volumes.createAttachment(owner, { volumeId: old.id, serverId, connector: { host: 'one' } })
    await volumes.completeAttachment(owner, first.id)
    const second = await volumes.createAttachment(owner, { volumeId: fresh.id, serverId, connector: { host: 'one' } })
    await volumes.completeAttachment(owner, second.id)
    assert.equal(await volumes.completeMigration('service', old.id, fresh.id, { isFailed: false }), fresh.id)
    const [before, after] = [await volumes.get(owner, old.id), await volumes.get(owner, fresh.id)]
    assert.deepEqual([before.status, after.status], ['available', 'in-use'])
    assert.equal(after.attachments[0]?.attachmentId, second.id)
    await volumes.deleteAttachment(owner, second.id)
    for (const one of [old, fresh]) await volumes.delete(owner, one.id)
  })

  test(`${how}: quotas, types and limits`, async () => {
    const types = await volumes.listTypes(owner)
    assert.ok(types.some(type => type.name === '__DEFAULT__'))
    const some = await Promise.all(
      Array.from({ length: 10 }, () => volumes.create(stranger, { name: 'q', sizeGiB: 1 })),
    )
    const { maxTotalVolumes, totalVolumesUsed, totalGigabytesUsed } = await volumes.limits(stranger)
    assert.deepEqual([maxTotalVolumes, totalVolumesUsed, totalGigabytesUsed], [10, 10, 10])
    await assert.rejects(volumes.create(stranger, { name: 'q', sizeGiB: 1 }), error => {
      assert.ok(VolumeOverQuota.is(error))
      assert.match(error.message, /Maximum number of volumes allowed \(10\) exceeded for quota 'volumes'\./)
      return true
    })
    for (const { id } of some) {
      await until(volumes, stranger, id, 'available')
      await volumes.delete(stranger, id)
    }
    assert.equal((await volumes.encryption(owner, (await made({ sizeGiB: 1 })).id)).encryption_key_id, null)
  })
}
