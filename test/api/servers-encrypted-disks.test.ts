import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { instanceId, waitFor } from '#base'
import { ImageNotFound, KeyNotFound } from '#cloud'
import { HypervisorError } from '#virt'
import type { Json } from './answer.ts'
import { type ApiCloud, newest, startCloud } from './harness.ts'

const secretOf = 'hw_ephemeral_encryption_secret_uuid'

describe('encrypted local disks', () => {
  let cloud: ApiCloud
  let flavorId: string
  const act = (id: string, action: string, args: unknown = null) =>
    cloud.request('POST', `/servers/${id}/action`, { version: newest, body: { [action]: args } })
  const boot = (fields: Json = {}) => cloud.bootServer({ fields: { flavorRef: flavorId, ...fields } })
  const devicesOf = (id: string) => cloud.store.blockDevices.of(id)
  const secretsOf = async (id: string) => (await devicesOf(id)).map(device => device.encryption?.secretId ?? '')
  const exists = (secretId: string) =>
    cloud.deps.keys.get('service', secretId).then(
      () => true,
      error => {
        if (!KeyNotFound.is(error)) throw error
        return false
      },
    )
  const specOf = (id: string) => cloud.driver.recordOf(instanceId(id))?.spec
  const remove = async (id: string) => {
    ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
    await cloud.waitUntilGone(id)
  }
  /** The image that an action has begun, once it is there. */
  async function imageOf(id: string, status = 'active') {
    const find = async () => {
      const [image] = await cloud.deps.images.list('service', { properties: { instance_uuid: id } })
      return image?.status === status ? image : undefined
    }
    return waitFor('the image', find, { deadlineMs: 60_000, everyMs: 5 })
  }

  before(async () => {
    cloud = await startCloud({ quotas: { instances: 40, cores: 40 } })
    flavorId = await cloud.newFlavor({ name: 'locked', 'OS-FLV-EXT-DATA:ephemeral': 1, swap: 64 })
    const extra_specs = { 'hw:ephemeral_encryption': 'true', 'hw:ephemeral_encryption_format': 'luks' }
    const asked = { as: cloud.admin, body: { extra_specs } }
    ;(await cloud.request('POST', `/flavors/${flavorId}/os-extra_specs`, asked)).expect(200)
  })
  after(() => cloud.close())

  test('have a passphrase each, which is theirs wherever the server goes, and gone with it', async () => {
    const id = await boot()
    const secrets = await secretsOf(id)
    assert.equal(new Set(secrets).size, 3)
    for (const secretId of secrets) assert.ok(await exists(secretId))
    const shown = specOf(id)?.disks.map(disk => [disk.kind, disk.encryption?.format, disk.encryption?.secretId])
    assert.deepEqual(shown?.map(([kind]) => kind).sort(), ['ephemeral', 'image', 'swap'])
    assert.deepEqual(
      shown?.map(([, format]) => format),
      ['luks', 'luks', 'luks'],
    )
    assert.deepEqual(new Set(shown?.map(([, , secretId]) => secretId)), new Set(secrets))
    ;(await act(id, 'reboot', { type: 'HARD' })).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual(await secretsOf(id), secrets)
    await remove(id)
    for (const secretId of secrets) assert.ok(!(await exists(secretId)))
  })

  test('are copied into images with a passphrase of their own, which servers made of them ask for', async () => {
    const id = await boot()
    ;(await act(id, 'createImage', { name: 'copy' })).expect(202)
    const image = await imageOf(id)
    await cloud.waitForStatus(id, 'ACTIVE')
    const secretId = image.properties[secretOf] ?? ''
    assert.ok(!(await secretsOf(id)).includes(secretId))
    assert.equal(image.properties['hw_ephemeral_encryption'], 'true')
    await remove(id)
    assert.ok(await exists(secretId))

    // The flavor asks for nothing; the image does.
    const copy = await cloud.bootServer({ fields: { imageRef: image.id } })
    assert.equal((await devicesOf(copy))[0]?.encryption?.format, 'luks')
    assert.equal(specOf(copy)?.image.encryption?.secretId, secretId)
    await remove(copy)
    assert.ok(await exists(secretId))
    await cloud.deps.keys.remove('service', secretId)
    const refused = await cloud.request('POST', '/servers', {
      version: newest,
      body: { server: { name: 'x', imageRef: image.id, flavorRef: flavorId, networks: 'none' } },
    })
    assert.match(refused.expect(400).body.badRequest.message, /its secret .* cannot be read/)
    await cloud.deps.images.remove('service', image.id)
  })

  test('an image that fails to be made takes its passphrase along', async () => {
    const id = await boot()
    cloud.driver.failNext('snapshot', HypervisorError({ operation: 'snapshot', reason: 'test' }))
    // Nothing happens to the image before it has been looked at.
    await cloud.stopHost('host-1')
    const { image_id: imageId } = (await act(id, 'createImage', { name: 'copy' })).expect(202).body
    const secretId = (await cloud.deps.images.get('service', imageId)).properties[secretOf] ?? ''
    assert.ok(await exists(secretId))
    await cloud.startHost('host-1')
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.ok(!(await exists(secretId)))
    await assert.rejects(cloud.deps.images.get('service', imageId), ImageNotFound.is)
    await remove(id)
  })

  test('lie on the shelf with the passphrase of the disk', async () => {
    const id = await boot()
    const secrets = await secretsOf(id)
    ;(await act(id, 'shelve')).expect(202)
    await cloud.waitForStatus(id, 'SHELVED_OFFLOADED')
    assert.ok(secrets.includes((await imageOf(id)).properties[secretOf] ?? ''))
    ;(await act(id, 'unshelve')).expect(202)
    await cloud.waitForStatus(id, 'ACTIVE')
    assert.deepEqual(await secretsOf(id), secrets)
    await remove(id)
    for (const secretId of secrets) assert.ok(!(await exists(secretId)))
  })

  test('are not what a server gets that was made without', async () => {
    const id = await cloud.bootServer()
    const asked = await act(id, 'resize', { flavorRef: flavorId })
    assert.match(asked.expect(400).body.badRequest.message, /cannot become encrypted/)
    await remove(id)
  })
})

test('where the operator wants it, all new servers have encrypted disks, whatever they ask for', async t => {
  const cloud = await startCloud({ settings: { encryptsDisks: { cipher: 'aes-cbc-essiv:sha256', keyBits: 256 } } })
  t.after(() => cloud.close())
  const id = await cloud.bootServer()
  const encryption = cloud.driver.recordOf(instanceId(id))?.spec.disks[0]?.encryption
  assert.deepEqual([encryption?.cipher, encryption?.keyBits], ['aes-cbc-essiv:sha256', 256])
})
