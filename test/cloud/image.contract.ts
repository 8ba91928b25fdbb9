import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { newUuid } from '#base'
import { type Caller, ImageNotFound, ImageUnavailable } from '#cloud'
import { type BuiltIn, newPerson, type Ports } from './neighbours.ts'

export function imageContract(how: string, world: () => { builtIn: BuiltIn; ports: Ports }): void {
  const bits = Buffer.from('the bits of an image '.repeat(50_000))
  const [publicId, privateId, emptyId] = [newUuid(), newUuid(), newUuid()]
  let stranger: Caller
  let owner: Caller

  before(async () => {
    const { builtIn } = world()
    const { register } = builtIn.imageService
    owner = await builtIn.identity.validate((await newPerson(builtIn, `owner ${how}`)).token)
    stranger = await builtIn.identity.validate((await newPerson(builtIn, `stranger ${how}`)).token)
    const file = join(builtIn.folder, `bits-${publicId}`)
    writeFileSync(file, bits)
    await register.reserve({
      id: publicId,
      name: 'public',
      diskFormat: 'qcow2',
      minDiskGiB: 1,
      minRamMiB: 64,
      properties: { hw_disk_bus: 'virtio', os_distro: 'cirros' },
      tags: ['tiny'],
    })
    await register.publish(publicId, file)
    const ownerId = owner.projectId ?? ''
    await register.reserve({ id: privateId, name: 'private', diskFormat: 'raw', visibility: 'private', ownerId })
    await register.publish(privateId, file)
    await register.reserve({ id: emptyId, name: 'empty', diskFormat: 'raw' })
  })

  test(`${how}: an image in full`, async () => {
    const { builtIn, ports } = world()
    const image = await ports.images.get(stranger, publicId)
    const seen = await builtIn.images.get(stranger, publicId)
    const whole = (ms: number) => Math.floor(ms / 1000) // Glance shows whole seconds
    const times = (i: typeof seen) => ({ createdAtMs: whole(i.createdAtMs), updatedAtMs: whole(i.updatedAtMs) })
    assert.deepEqual({ ...image, ...times(image) }, { ...seen, ...times(seen) })
    assert.equal(image.sizeBytes, bits.length)
    assert.deepEqual(image.properties, { hw_disk_bus: 'virtio', os_distro: 'cirros' })
    assert.deepEqual(image.tags, ['tiny'])
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
}
