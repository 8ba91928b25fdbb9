import assert from 'node:assert/strict'
import { constants, privateDecrypt } from 'node:crypto'
import { after, before, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { HypervisorError, power } from '#virt'
import { type ApiCloud, newest, type Person, startCloud } from './harness.ts'
import { anImage } from './images.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer({ fields: { config_drive: true } })
})
after(() => cloud.close())

const act = (body: unknown, as: Person = cloud.member, version = newest) =>
  cloud.request('POST', `/servers/${id}/action`, { as, version, body })
const record = () => cloud.driver.recordOf(instanceId(id))
const go = async (action: string, status: string, body: unknown = null) => {
  const answer = await act({ [action]: body })
  assert.ok(answer.status === 200 || answer.status === 202, answer.text)
  await cloud.waitForStatus(id, status)
  return answer
}

test('rescue from the own image, with a password of ours or of the user, and back', async () => {
  const made = (await act({ rescue: null }, cloud.member, '2.1')).expect(200).body
  assert.match(made.adminPass, /^\w{12}$/)
  const server = await cloud.waitForStatus(id, 'RESCUE')
  assert.equal(server['OS-EXT-STS:vm_state'], 'rescued')
  assert.deepEqual(record()?.rescue, {
    imageId: cloud.imageId,
    device: 'disk',
    bus: 'virtio',
    isStable: false,
    configDrive: 'iso9660',
  })
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
  ;(await act({ rescue: null })).refuses(409, `Cannot 'rescue' instance ${id} while it is in vm_state rescued`)
  ;(await act({ pause: null })).refuses(409, `Cannot 'pause' instance ${id} while it is in vm_state rescued`)
  await go('unrescue', 'ACTIVE')
  assert.equal(record()?.rescue, undefined)
  assert.equal((await go('rescue', 'RESCUE', { adminPass: 'abc' })).body.adminPass, 'abc')
  await go('unrescue', 'ACTIVE')
  ;(await act({ unrescue: null })).refuses(409, `Cannot 'unrescue' instance ${id} while it is in vm_state active`)
})

test('rescue from another image; one that says its place keeps the own disks in theirs', async () => {
  const plain = await anImage(cloud, 'plain')
  await go('rescue', 'RESCUE', { rescue_image_ref: plain })
  assert.equal(record()?.rescue?.imageId, plain)
  assert.equal((await cloud.server(id)).image.id, cloud.imageId)
  await go('unrescue', 'ACTIVE')
  const stable = await anImage(cloud, 'stable', { hw_rescue_device: 'cdrom', hw_rescue_bus: 'sata' })
  await go('rescue', 'RESCUE', { rescue_image_ref: stable })
  const { device, bus, isStable } = record()?.rescue ?? {}
  assert.deepEqual({ device, bus, isStable }, { device: 'cdrom', bus: 'sata', isStable: true })
  await go('unrescue', 'ACTIVE')
})

test('a stopped server can be rescued and is running afterwards, as in Nova', async () => {
  await go('os-stop', 'SHUTOFF')
  await go('rescue', 'RESCUE')
  await go('unrescue', 'ACTIVE')
  assert.equal(record()?.power, power.running)
})

test('images that will not do', async () => {
  const unknown = newUuid()
  const snapshot = await anImage(cloud, 'snapshot', { img_block_device_mapping: '[]' })
  for (const image of [unknown, snapshot])
    (await act({ rescue: { rescue_image_ref: image } })).refuses(
      400,
      `Requested rescue image '${image}' is not supported`,
    )
  ;(await act({ rescue: { rescue_image_ref: 'x' } })).expect(400)
  ;(await act({ rescue: { other: 'x' } })).expect(400)
})

test('an operator may name the image that servers are rescued with', async t => {
  const rescueImageId = newUuid()
  const other = await startCloud({ settings: { rescueImageId } })
  t.after(() => other.close())
  const server = await other.bootServer()
  const answer = await other.request('POST', `/servers/${server}/action`, { body: { rescue: null } })
  answer.refuses(400, `Requested rescue image '${rescueImageId}' is not supported`)
  const named = { rescue: { rescue_image_ref: other.imageId } }
  ;(await other.request('POST', `/servers/${server}/action`, { body: named })).expect(200)
  await other.waitForStatus(server, 'RESCUE')
})

test('a host that fails boots the server from its own disk again', async () => {
  cloud.driver.failNext('rescue', HypervisorError({ operation: 'rescue', reason: 'no such bus' }))
  ;(await act({ rescue: null })).expect(200)
  await cloud.waitForStatus(id, 'ACTIVE')
  assert.equal(record()?.power, power.running)
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`)).body
  assert.equal(instanceActions[0].action, 'rescue')
  assert.equal(instanceActions[0].message, 'Error')
})

test('who may', async () => {
  ;(await act({ rescue: null }, cloud.reader)).refuses(403, /os-rescue/)
  ;(await act({ unrescue: null }, cloud.reader)).refuses(403, /os-unrescue/)
  ;(await act({ rescue: null }, cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
})

test('changePassword asks the agent in the guest and answers when it is done', async () => {
  const change = (as?: Person) => act({ changePassword: { adminPass: 'secret' } }, as)
  assert.equal((await change()).expect(202).text, '')
  assert.deepEqual(record()?.passwords, [{ user: 'root' }])
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
  assert.equal((await cloud.server(id)).status, 'ACTIVE')
  ;(await act({ changePassword: { adminPass: null } })).expect(400)
  ;(await act({ changePassword: null })).expect(400)
  ;(await change(cloud.reader)).refuses(403, /os-admin-password/)
  await go('pause', 'PAUSED')
  ;(await change()).refuses(409, `Cannot 'changePassword' instance ${id} while it is in vm_state paused`)
  await go('unpause', 'ACTIVE')
  cloud.driver.failNext('setPassword', HypervisorError({ operation: 'set the password', reason: 'x' }))
  ;(await change()).refuses(409, `Failed to set admin password on ${id} because error setting admin password`)
  assert.equal((await cloud.server(id)).status, 'ACTIVE')
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`)).body
  assert.equal(instanceActions[0].action, 'changePassword')
})

test("the password is kept for whoever has the private half of the server's key", async () => {
  const body = { keypair: { name: 'mine' } }
  const { keypair } = (await cloud.request('POST', '/os-keypairs', { body, version: '2.1' })).expect(200).body
  const other = await cloud.bootServer({ name: 'keyed', fields: { key_name: 'mine' } })
  const change = { changePassword: { adminPass: 'gocubsgö' } }
  ;(await cloud.request('POST', `/servers/${other}/action`, { body: change })).expect(202)
  const { password } = (await cloud.request('GET', `/servers/${other}/os-server-password`)).expect(200).body
  const key = { key: keypair.private_key, padding: constants.RSA_PKCS1_PADDING }
  assert.equal(privateDecrypt(key, Buffer.from(password, 'base64')).toString(), 'gocubsgö')
})

test('changePassword without an agent', async () => {
  const imageRef = await anImage(cloud, 'windows', { hw_qemu_guest_agent: 'no', os_type: 'windows' })
  const other = await cloud.bootServer({ name: 'other', fields: { imageRef } })
  const answer = await cloud.request('POST', `/servers/${other}/action`, {
    body: { changePassword: { adminPass: 'x' } },
  })
  answer.refuses(409, 'Guest agent is not enabled for the instance')
  assert.equal((await cloud.server(other)).status, 'ACTIVE')
})

test("the operator's kernel and first file system are what servers are rescued with", async t => {
  const [kernel, ramdisk, ownRamdisk] = [newUuid(), newUuid(), newUuid()]
  const rescuedWith = async (libvirt: Record<string, string>, properties: Record<string, string> = {}) => {
    const other = await startCloud({ config: { libvirt } })
    t.after(() => other.close())
    const imageRef = await anImage(other, 'own', properties)
    const server = await other.bootServer({ fields: { imageRef } })
    const body = { rescue: null }
    ;(await other.request('POST', `/servers/${server}/action`, { as: other.member, version: newest, body })).expect(200)
    await other.waitForStatus(server, 'RESCUE')
    const { kernelId, ramdiskId } = other.driver.recordOf(instanceId(server))?.rescue ?? {}
    return { kernelId, ramdiskId }
  }
  const both = { rescue_kernel_id: kernel, rescue_ramdisk_id: ramdisk }
  assert.deepEqual(await rescuedWith(both), { kernelId: kernel, ramdiskId: ramdisk })
  const own = { kernel_id: newUuid(), ramdisk_id: ownRamdisk }
  const mixed = await rescuedWith({ rescue_kernel_id: kernel }, own)
  assert.deepEqual(mixed, { kernelId: kernel, ramdiskId: ownRamdisk })
  // Without a kernel there is nothing that a first file system could belong to.
  assert.deepEqual(await rescuedWith({ rescue_ramdisk_id: ramdisk }), { kernelId: undefined, ramdiskId: undefined })
})
