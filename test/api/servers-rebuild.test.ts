import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { instanceId, newUuid } from '#base'
import { HypervisorError, power } from '#virt'
import { type ApiCloud, newest, type Person, startCloud } from './harness.ts'
import { anImage } from './images.ts'

let cloud: ApiCloud
let id: string
let other: string
before(async () => {
  cloud = await startCloud({ quotas: { metadata_items: 2, injected_files: 1 } })
  id = await cloud.bootServer({ fields: { config_drive: true, metadata: { a: '1' } } })
  other = await anImage(cloud, 'other')
})
after(() => cloud.close())

const act = (body: unknown, as: Person = cloud.member, version = newest) =>
  cloud.request('POST', `/servers/${id}/action`, { as, version, body })
const rebuild = (wish: object = {}, version = newest, as: Person = cloud.member) =>
  act({ rebuild: { imageRef: cloud.imageId, ...wish } }, as, version)
const record = () => cloud.driver.recordOf(instanceId(id))
const settled = (status = 'ACTIVE') => cloud.waitForStatus(id, status)

test('a new image makes a new disk under the old name and address', async () => {
  cloud.driver.writeDisk(instanceId(id), 0, Buffer.from('mine'))
  const before = await cloud.server(id)
  const answer = (await rebuild({ imageRef: other })).expect(202)
  assert.equal(answer.headers.get('location'), `${cloud.url}/v2.1/servers/${id}`)
  const { server } = answer.body
  assert.equal(server.status, 'REBUILD')
  assert.equal(server['OS-EXT-STS:task_state'], 'rebuilding')
  assert.equal(server.image.id, other)
  assert.match(server.adminPass, /^\w{12}$/)
  const after = await settled()
  assert.equal(after.image.id, other)
  assert.deepEqual(after.addresses, before.addresses)
  assert.equal(record()?.spec.image.id, other)
  assert.deepEqual(record()?.disk?.writes, [])
  assert.equal(record()?.configDrive, 'iso9660')
  assert.equal((await cloud.store.requestSpecs.find(id))?.image?.id, other)
  assert.equal(await cloud.store.launchSecrets.find(id), undefined)
  const { instanceActions } = (await cloud.request('GET', `/servers/${id}/os-instance-actions`)).body
  const path = `/servers/${id}/os-instance-actions/${instanceActions[0].request_id}`
  const { events, action } = (await cloud.request('GET', path, { version: newest })).body.instanceAction
  assert.equal(action, 'rebuild')
  assert.deepEqual(events.map((e: { event: string }) => e.event).sort(), ['compute_rebuild_instance', 'rebuild_server'])
})

test('everything that it may change', async () => {
  const key = {
    keypair: { name: 'k', public_key: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDPKk5qh0a5qXlKoLYAFvkVVWv0 x' },
  }
  const keyed = await cloud.request('POST', '/os-keypairs', { body: { ...key, keypair: { name: 'k' } } })
  keyed.expect(200)
  const wish = {
    name: 'new name',
    description: 'new words',
    metadata: { b: '2' },
    accessIPv4: '4.3.2.1',
    accessIPv6: '80fe::1',
    'OS-DCF:diskConfig': 'AUTO',
    adminPass: 'secret',
    key_name: 'k',
    user_data: 'aGVsbG8=',
    hostname: 'new.host',
    trusted_image_certificates: ['674736e3-f25c-405c-8362-bbf991e0ce0a'],
  }
  const { server } = (await rebuild(wish)).expect(202).body
  assert.equal(server.adminPass, 'secret')
  assert.equal(server.user_data, 'aGVsbG8=')
  assert.ok(!('OS-EXT-SRV-ATTR:user_data' in server))
  const shown = await settled()
  assert.equal(shown.name, 'new name')
  assert.equal(shown.description, 'new words')
  assert.deepEqual(shown.metadata, { b: '2' })
  assert.equal(shown.accessIPv4, '4.3.2.1')
  assert.equal(shown.accessIPv6, '80fe::1')
  assert.equal(shown['OS-DCF:diskConfig'], 'AUTO')
  assert.equal(shown.key_name, 'k')
  assert.equal(shown['OS-EXT-SRV-ATTR:hostname'], 'new.host')
  assert.deepEqual(shown.trusted_image_certificates, wish.trusted_image_certificates)
  const unset = { key_name: null, user_data: null, trusted_image_certificates: null, description: null }
  ;(await rebuild(unset)).expect(202)
  const bare = await settled()
  assert.deepEqual([bare.key_name, bare.description, bare.trusted_image_certificates], [null, null, null])
  assert.equal(bare.name, 'new name')
})

test('the answer at each cut, and the body too', async () => {
  const keysAt = async (version: string) => {
    const { server } = (await rebuild({}, version)).expect(202).body
    await settled()
    return new Set(Object.keys(server))
  }
  const at21 = await keysAt('2.1')
  for (const key of ['locked', 'description', 'key_name', 'user_data', 'server_groups', 'OS-EXT-STS:vm_state'])
    assert.ok(!at21.has(key), key)
  assert.ok((await keysAt('2.19')).has('description'))
  const at254 = await keysAt('2.54')
  assert.ok(at254.has('key_name') && !at254.has('user_data'))
  const at257 = await keysAt('2.57')
  assert.ok(at257.has('user_data') && !at257.has('OS-EXT-STS:vm_state'))
  const at275 = await keysAt('2.75')
  for (const key of [
    'OS-EXT-STS:vm_state',
    'OS-EXT-AZ:availability_zone',
    'config_drive',
    'server_groups',
    'adminPass',
  ])
    assert.ok(at275.has(key), key)
  ;(await rebuild({ description: 'x' }, '2.18')).expect(400)
  ;(await rebuild({ key_name: null }, '2.53')).expect(400)
  ;(await rebuild({ user_data: null }, '2.56')).expect(400)
  ;(await rebuild({ personality: [] }, '2.57')).expect(400)
  ;(await rebuild({ trusted_image_certificates: null }, '2.62')).expect(400)
  ;(await rebuild({ hostname: 'abc' }, '2.89')).expect(400)
  ;(await rebuild({ hostname: 'a.b' }, '2.93')).expect(400)
  ;(await act({ rebuild: {} })).expect(400)
  ;(await rebuild({ personality: [{ path: '/etc/motd', contents: 'aGVsbG8=' }] }, '2.56')).expect(202)
  await settled()
})

test('a stopped server is off again afterwards; ephemeral disks are kept when asked', async () => {
  ;(await act({ 'os-stop': null })).expect(202)
  await settled('SHUTOFF')
  const { ephemeralMade = 0 } = record() ?? {}
  ;(await rebuild({ preserve_ephemeral: true })).expect(202)
  const server = await settled('SHUTOFF')
  assert.equal(server['OS-EXT-STS:power_state'], 4)
  assert.equal(record()?.power, power.shutdown)
  assert.equal(record()?.ephemeralMade, ephemeralMade)
  ;(await act({ 'os-start': null })).expect(202)
  await settled()
})

test('what is refused', async () => {
  ;(await rebuild({ imageRef: newUuid() })).refuses(400, 'Cannot find image for rebuild')
  ;(await rebuild({ imageRef: 'x' })).expect(400)
  ;(await rebuild({ key_name: 'nobody' })).refuses(400, 'Invalid key_name provided.')
  ;(await rebuild({ metadata: { a: '', b: '', c: '' } })).refuses(403, 'Maximum number of metadata items exceeds 2')
  const files = [1, 2].map(n => ({ path: `/f${n}`, contents: '' }))
  ;(await rebuild({ personality: files }, '2.1')).refuses(403, 'Personality file limit exceeded')
  const numa = await anImage(cloud, 'numa', { hw_numa_nodes: '1' })
  ;(await rebuild({ imageRef: numa })).refuses(
    400,
    "An instance's NUMA topology cannot be changed as part of a rebuild. The image provided is invalid for this instance.",
  )
  const fixed = await anImage(cloud, 'fixed', { auto_disk_config: 'Disabled' })
  ;(await rebuild({ imageRef: fixed, 'OS-DCF:diskConfig': 'AUTO' })).refuses(
    400,
    `Requested image ${fixed} has automatic disk resize disabled.`,
  )
  ;(await rebuild({}, newest, cloud.reader)).refuses(403, /servers:rebuild/)
  ;(await rebuild({}, newest, cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  ;(await act({ pause: null })).expect(202)
  await settled('PAUSED')
  ;(await rebuild()).refuses(409, `Cannot 'rebuild' instance ${id} while it is in vm_state paused`)
  ;(await act({ unpause: null })).expect(202)
  await settled()
})

test('an image that its host cannot have: an error, everything as before, and a way out', async () => {
  const before = await cloud.server(id)
  const alien = await anImage(cloud, 'alien', { hw_architecture: 'aarch64' })
  ;(await rebuild({ imageRef: alien, name: 'never' })).expect(202)
  const failed = await settled('ERROR')
  assert.match(failed.fault.message, /^No valid host was found\./)
  assert.equal(failed.image.id, before.image.id)
  assert.equal(failed.name, before.name)
  assert.equal(record()?.power, power.running)
  ;(await rebuild()).expect(202)
  await settled()
})

test('a host that fails in the middle leaves an error that another rebuild mends', async () => {
  cloud.driver.failNext('rebuild', HypervisorError({ operation: 'rebuild', reason: 'disk full' }))
  ;(await rebuild({ imageRef: other })).expect(202)
  const failed = await settled('ERROR')
  assert.equal(failed.fault.message, 'rebuild failed: disk full')
  ;(await rebuild({ imageRef: other })).expect(202)
  await settled()
})

test('a delete in the middle wins', async () => {
  ;(await rebuild()).expect(202)
  ;(await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  await cloud.waitUntilGone(id)
  assert.equal(record(), undefined)
})
