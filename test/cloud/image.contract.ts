import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import {
  type Caller,
  ImageBadRequest,
  ImageConflict,
  ImageForbidden,
  ImageInvalid,
  ImageNotAuthorized,
  ImageNotFound,
  type ImageQuery,
  ImageUnavailable,
} from '#cloud'
import { newImage, newPerson, type World } from './world.ts'

export function imageContract(how: string, world: () => World): void {
  const bits = Buffer.from('the bits of an image '.repeat(50_000))
  let [publicId, privateId, emptyId] = ['', '', '']
  let stranger: Caller
  let owner: Caller

  before(async () => {
    const { admin } = world()
    const person = await newPerson(world(), `owner ${how}`)
    owner = person.caller
    stranger = (await newPerson(world(), `stranger ${how}`)).caller
    const wish = {
      name: 'public',
      visibility: 'public',
      disk_format: 'raw',
      min_disk: 1,
      min_ram: 64,
      tags: ['tiny'],
      hw_disk_bus: 'virtio',
      os_distro: 'cirros',
    } as const
    publicId = await newImage(admin, wish, bits)
    privateId = await newImage(person.rest, { name: 'private', visibility: 'private', disk_format: 'raw' }, bits)
    emptyId = await newImage(admin, { name: 'empty', visibility: 'public', disk_format: 'raw' })
  })

  test(`${how}: an image in full`, async () => {
    const { admin, ports } = world()
    const { createdAtMs, updatedAtMs, virtualSizeBytes, ...image } = await ports.images.get(stranger, publicId)
    assert.deepEqual(image, {
      id: publicId,
      name: 'public',
      status: 'active',
      visibility: 'public',
      ownerId: admin.projectId,
      diskFormat: 'raw',
      containerFormat: 'bare',
      sizeBytes: bits.length,
      minDiskGiB: 1,
      minRamMiB: 64,
      checksum: createHash('md5').update(bits).digest('hex'),
      hashAlgorithm: 'sha512',
      hashValue: createHash('sha512').update(bits).digest('hex'),
      isProtected: false,
      tags: ['tiny'],
      properties: { hw_disk_bus: 'virtio', os_distro: 'cirros' },
    })
    assert.ok(virtualSizeBytes === null || virtualSizeBytes === bits.length)
    assert.ok(createdAtMs <= updatedAtMs && Math.abs(updatedAtMs - Date.now()) < 600_000)
  })

  test(`${how}: what one may not see does not exist`, async () => {
    const { images } = world().ports
    assert.equal((await images.get(owner, privateId)).name, 'private')
    assert.equal((await images.get('service', privateId)).name, 'private')
    await assert.rejects(images.get(stranger, privateId), ImageNotFound.is)
    await assert.rejects(images.download(stranger, privateId), ImageNotFound.is)
    await assert.rejects(images.get('service', newUuid()), ImageNotFound.is)
    await assert.rejects(images.get('service', '../../v3/users'), ImageNotFound.is)
  })

  test(`${how}: lists hold what the caller sees`, async () => {
    const { images } = world().ports
    const ids = async (as: Caller | 'service') => new Set((await images.list(as)).map(image => image.id))
    const [all, mine, theirs] = [await ids('service'), await ids(owner), await ids(stranger)]
    assert.deepEqual(
      [publicId, privateId, emptyId].map(id => all.has(id)),
      [true, true, true],
    )
    assert.deepEqual([mine.has(privateId), theirs.has(privateId), theirs.has(publicId)], [true, false, true])
  })

  test(`${how}: the bits come in order`, async () => {
    const chunks: Uint8Array[] = []
    for await (const chunk of await world().ports.images.download('service', publicId)) chunks.push(chunk)
    assert.ok(Buffer.concat(chunks).equals(bits))
  })

  test(`${how}: an image without bits is unavailable and says why`, async () => {
    await assert.rejects(world().ports.images.download('service', emptyId), error => {
      assert.ok(ImageUnavailable.is(error))
      assert.match(error.message, /queued/)
      return true
    })
  })

  /** In pieces, as a hypervisor reads a disk. */
  async function* pieces() {
    for (let at = 0; at < bits.length; at += 65_536) yield bits.subarray(at, at + 65_536)
  }
  const wanted = (properties: Record<string, string>) => ({
    name: `snapshot ${how}`,
    visibility: 'private' as const,
    diskFormat: null,
    containerFormat: null,
    minDiskGiB: 1,
    minRamMiB: 64,
    properties,
  })
  const snapshotOf = async (type: string) => {
    const { images } = world().ports
    return images.create(owner, wanted({ image_type: type, instance_uuid: newUuid() }))
  }

  test(`${how}: a record first, its format and its bits later, by Nova itself`, async () => {
    const { images } = world().ports
    const made = await snapshotOf('snapshot')
    assert.deepEqual(
      [made.status, made.ownerId, made.visibility, made.diskFormat, made.minDiskGiB, made.properties['image_type']],
      ['queued', owner.projectId, 'private', null, 1, 'snapshot'],
    )
    await assert.rejects(images.upload('service', made.id, pieces()), ImageBadRequest.is)
    const changed = await images.update('service', made.id, {
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      properties: { image_state: 'available', image_type: 'backup', 'a/b~c': 'odd' },
      without: ['instance_uuid', 'never there'],
    })
    assert.deepEqual(changed.properties, { image_type: 'backup', image_state: 'available', 'a/b~c': 'odd' })
    await images.upload('service', made.id, pieces())
    const filled = await images.get(owner, made.id)
    assert.deepEqual([filled.status, filled.sizeBytes, filled.diskFormat], ['active', bits.length, 'qcow2'])
    await assert.rejects(images.upload('service', made.id, pieces()), ImageConflict.is)
    const chunks: Uint8Array[] = []
    for await (const chunk of await images.download('service', made.id)) chunks.push(chunk)
    assert.ok(Buffer.concat(chunks).equals(bits))
    await images.remove(owner, made.id)
    await assert.rejects(images.get('service', made.id), ImageNotFound.is)
    await assert.rejects(images.remove('service', made.id), ImageNotFound.is)
  })

  test(`${how}: a source that breaks leaves the image queued, with its own failure told`, async () => {
    const { images } = world().ports
    const { id } = await snapshotOf('broken')
    await images.update('service', id, { diskFormat: 'raw', containerFormat: 'bare' })
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bits.subarray(0, 1000)
      throw new RangeError('the disk broke')
    }
    await assert.rejects(images.upload('service', id, broken()), /the disk broke/)
    // Until the service has seen that the source is gone, the image belongs to that upload.
    const again = () =>
      images.upload('service', id, pieces()).then(
        () => true,
        (error: unknown) => {
          if (!ImageConflict.is(error)) throw error
          return undefined
        },
      )
    await waitFor('the image to be queued', again, { deadlineMs: 60_000 })
    assert.equal((await images.get('service', id)).status, 'active')
  })

  test(`${how}: others may not write what they may see, and do not see what they may not`, async () => {
    const { images } = world().ports
    const { id } = await snapshotOf('mine')
    await assert.rejects(images.update(stranger, id, { properties: { a: 'b' } }), ImageNotFound.is)
    await assert.rejects(images.update(stranger, publicId, { properties: { a: 'b' } }), ImageNotAuthorized.is)
    await assert.rejects(images.remove(stranger, publicId), ImageNotAuthorized.is)
    await assert.rejects(images.create(owner, wanted({ status: 'active' })), ImageForbidden.is)
    await assert.rejects(images.create(owner, wanted({ min_disk: 'much' })), ImageInvalid.is)
    const shared = await images.create(owner, { ...wanted({}), visibility: 'shared' })
    await assert.rejects(images.get(stranger, shared.id), ImageNotFound.is)
    await images.share(owner, shared.id, stranger.projectId ?? '')
    await images.share(owner, shared.id, stranger.projectId ?? '')
    assert.equal((await images.get(stranger, shared.id)).id, shared.id)
  })

  test(`${how}: lists filtered, in pages`, async () => {
    const { images } = world().ports
    const type = `type ${how}`
    const made = [await snapshotOf(type), await snapshotOf(type), await snapshotOf(type)].map(image => image.id)
    const ids = async (query: ImageQuery) => (await images.list(owner, query)).map(image => image.id)
    const properties = { image_type: type }
    assert.deepEqual((await ids({ properties })).toSorted(), made.toSorted())
    const [first] = await ids({ properties, limit: 1 })
    assert.deepEqual([first, ...(await ids({ properties, marker: first ?? '' }))], await ids({ properties }))
    assert.deepEqual(await ids({ properties, status: 'active' }), [])
    assert.deepEqual(await ids({ properties, minRam: '63' }), [])
    assert.equal((await ids({ properties, minRam: '64', minDisk: '1', name: `snapshot ${how}` })).length, 3)
    assert.deepEqual(await ids({ properties, changesSince: '2999-01-01T00:00:00Z' }), [])
    await assert.rejects(images.list(owner, { changesSince: 'yesterday' }), ImageInvalid.is)
    await assert.rejects(images.list(owner, { marker: newUuid() }), ImageInvalid.is)
  })
}
