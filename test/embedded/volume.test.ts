/** The Cinder v3 API of the built-in volume service, as clients see it. */
import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { GiB, newUuid, waitFor } from '#base'
import type { VolumeEvent } from '#embedded/volume'
import { headOf } from '../cloud/volume.contract.ts'
import {
  adminToken,
  type Cloud,
  call,
  newFolder,
  newPerson,
  type Person,
  type Reply,
  removeFolder,
  startCloud,
} from './kit.ts'

const folder = newFolder()
const events: VolumeEvent[] = []
/** What Nova says it has: server and volume to attachment. */
const inNova = new Map<string, string>()
let cloud: Cloud
let admin: string
let adminProject: string
let alice: Person
let bob: Person
let a: string
let b: string
before(async () => {
  cloud = await startCloud({
    folder,
    compute: {
      tell: async event => void events.push(event),
      attachmentOf: async (_as, serverId, volumeId) => inNova.get(`${serverId}/${volumeId}`),
    },
  })
  admin = await adminToken(cloud)
  adminProject = cloud.identity.bootstrapped.adminProjectId
  ;[alice, bob] = [await newPerson(cloud, 'alice'), await newPerson(cloud, 'bob')]
  ;[a, b] = [await alice.token(), await bob.token()]
})
after(async () => {
  await cloud.close()
  removeFolder(folder)
})

interface Ask {
  readonly token?: string
  readonly project?: string
  readonly body?: unknown
  /** Minor number. */
  readonly v?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** By alice, in her project. */
function ask(method: string, path: string, { token = a, project, body, v, headers }: Ask = {}): Promise<Reply> {
  const own = token === admin ? adminProject : token === b ? bob.projectId : alice.projectId
  return call(method, `${cloud.volumeUrl}/v3/${project ?? own}${path}`, {
    token,
    ...(body === undefined ? {} : { body }),
    headers: { ...(v === undefined ? {} : { 'openstack-api-version': `volume 3.${v}` }), ...headers },
  })
}

const act = (id: string, action: string, body: unknown = null, more: Ask = {}) =>
  ask('POST', `/volumes/${id}/action`, { ...more, body: { [action]: body } })

const until = (path: string, status: string, token = a, deadlineMs = 10_000): Promise<Reply> =>
  waitFor(
    `${path} to be ${status}`,
    async () => {
      const reply = await ask('GET', path, { token })
      const what = path.split('/')[1]?.slice(0, -1) ?? ''
      return reply.get(`${what}.status`) === status ? reply : undefined
    },
    { deadlineMs, everyMs: 5 },
  )

const untilGone = (path: string, token = a): Promise<true> =>
  waitFor(`${path} to be gone`, async () => ((await ask('GET', path, { token })).status === 404 ? true : undefined), {
    deadlineMs: 60_000,
    everyMs: 5,
  })

async function newVolume(fields: object = {}, more: Ask = {}): Promise<string> {
  const reply = await ask('POST', '/volumes', { ...more, body: { volume: { size: 1, ...fields } } })
  const id = reply.expect(202).string('volume.id')
  await until(`/volumes/${id}`, 'available', more.token)
  return id
}

async function remove(...ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    ;(await ask('DELETE', `/volumes/${id}`)).expect(202)
    await untilGone(`/volumes/${id}`)
  }
}

/** A file goes a moment after the row that named it. */
const untilEmpty = () =>
  waitFor('no file to be left', () => (readdirSync(cloud.volumesPath).length === 0 ? true : undefined), {
    deadlineMs: 60_000,
  })

const messageOf = (reply: Reply): string => {
  const [fault] = Object.values(JSON.parse(reply.text) as Record<string, { message: string }>)
  return fault?.message ?? ''
}

/** Every newly made image is active. */
async function newImage(format: string, bits: Buffer, fields: object = {}): Promise<string> {
  const body = { name: `image ${newUuid()}`, disk_format: format, container_format: 'bare', ...fields }
  const id = (await call('POST', `${cloud.imageUrl}/v2/images`, { token: a, body })).expect(201).string('id')
  const headers = { 'content-type': 'application/octet-stream' }
  const put = { token: a, raw: new Uint8Array(bits), headers }
  ;(await call('PUT', `${cloud.imageUrl}/v2/images/${id}/file`, put)).expect(204)
  return id
}

test('version documents need no token, everything else does', async () => {
  const root = (await call('GET', `${cloud.volumeUrl}/`)).expect(300)
  assert.deepEqual(root.each('versions', 'version'), ['3.70'])
  assert.equal((await call('GET', `${cloud.volumeUrl}/v3/`)).expect(200).get('versions.0.min_version'), '3.0')
  const refused = (await call('GET', `${cloud.volumeUrl}/v3/${alice.projectId}/volumes`)).expect(401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /Keystone uri=/)
  const elsewhere = await ask('GET', '/volumes', { project: bob.projectId })
  assert.equal(messageOf(elsewhere.expect(400)), 'Malformed request url')
  ;(await call('GET', `${cloud.volumeUrl}/v3/volumes`, { token: a })).expect(200)
})

test('microversions are negotiated', async () => {
  const version = async (text: string) => ask('GET', '/volumes', { headers: { 'openstack-api-version': text } })
  const answered = async (text: string) => (await version(text)).expect(200).headers.get('openstack-api-version')
  assert.equal(await answered('volume 3.27'), 'volume 3.27')
  assert.equal(await answered('compute 2.1, volume 3.5'), 'volume 3.5')
  assert.equal(await answered('volume latest'), 'volume 3.70')
  assert.equal(await answered('compute 2.1'), 'volume 3.0')
  const high = (await version('volume 3.71')).expect(406)
  assert.match(messageOf(high), /Version 3\.71 is not supported by the API\. Minimum is 3\.0 and maximum is 3\.70\./)
  assert.match(messageOf((await version('volume x')).expect(400)), /API Version String x is of invalid format/)
  ;(await ask('GET', '/attachments', { v: 26 })).expect(404)
  ;(await ask('GET', '/attachments', { v: 27 })).expect(200)
})

test('a volume: its fields by microversion and by who looks', async () => {
  const id = await newVolume({ name: ' v ', description: 'd', metadata: { k: 'v' } })
  const plain = (await ask('GET', `/volumes/${id}`)).get('volume') as Record<string, unknown>
  assert.deepEqual([plain.name, plain.bootable, plain.metadata], ['v', 'false', { k: 'v' }])
  assert.match(String(plain.created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  assert.equal(plain['os-vol-tenant-attr:tenant_id'], alice.projectId)
  for (const name of ['migration_status', 'os-vol-host-attr:host', 'group_id', 'volume_type_id']) {
    assert.equal(name in plain, false, name)
  }
  const newest = (await ask('GET', `/volumes/${id}`, { v: 70 })).get('volume') as Record<string, unknown>
  assert.deepEqual([newest.group_id, newest.shared_targets, newest.consumes_quota], [null, false, true])
  assert.equal('provider_id' in newest, false)
  const seen = (await ask('GET', `/volumes/${id}`, { token: admin, v: 61 })).get('volume') as Record<string, unknown>
  assert.match(String(seen['os-vol-host-attr:host']), /@files#files$/)
  assert.deepEqual([seen.provider_id, seen.cluster_name], [null, null])
  assert.equal(
    (await ask('GET', `/volumes/${id}`)).get('volume.links.0.href'),
    `${cloud.volumeUrl}/v3/${alice.projectId}/volumes/${id}`,
  )
  const changed = await ask('PUT', `/volumes/${id}`, { body: { volume: { name: 'w', metadata: { x: 'y' } } } })
  assert.deepEqual([changed.expect(200).get('volume.name'), changed.get('volume.metadata')], ['w', { x: 'y' }])
  ;(await ask('PUT', `/volumes/${id}`, { body: { volume: {} }, v: 53 })).expect(400)
  ;(await ask('GET', `/volumes/${id}`, { token: b })).expect(404)
  ;(await ask('DELETE', `/volumes/${id}`, { token: b })).expect(404)
  await remove(id)
  assert.equal(messageOf((await ask('GET', `/volumes/${id}`)).expect(404)), `Volume ${id} could not be found.`)
})

test('what cannot be made is refused in Cinder’s words', async () => {
  const refused = async (volume: object, status: number, v = 53) => {
    const reply = await ask('POST', '/volumes', { body: { volume }, v })
    return messageOf(reply.expect(status))
  }
  assert.match(await refused({ size: 0 }, 400), /Invalid input for field\/attribute size\. Value: 0\. 0 is less than/)
  assert.match(await refused({ size: 'x' }, 400), /size/)
  assert.match(await refused({}, 400), /Volume size 'None' must be an integer and greater than 0/)
  assert.match(await refused({ size: 1, availability_zone: 'mars' }, 400), /Availability zone 'mars' is invalid\./)
  assert.match(await refused({ size: 1, strange: 1 }, 400), /Additional properties are not allowed/)
  const none = newUuid()
  assert.equal(await refused({ size: 1, snapshot_id: none }, 404), `Snapshot ${none} could not be found.`)
  assert.equal(await refused({ size: 1, source_volid: none }, 404), `Volume ${none} could not be found.`)
  assert.match(await refused({ size: 1, volume_type: 'gold' }, 404), /Volume type with name gold could not be found\./)
  assert.match(await refused({ size: 1, imageRef: none }, 400), /Invalid image identifier/)
  const image = await newImage('raw', Buffer.alloc(100), { min_disk: 3 })
  assert.match(await refused({ size: 2, imageRef: image }, 400), /cannot be smaller than the image minDisk size 3GB/)
  ;(await ask('POST', '/volumes')).expect(400)
  ;(await ask('POST', '/volumes', { body: { volumes: {} } })).expect(400)
})

test('lists: paging, order, filters and whose they are', async () => {
  const ids = []
  for (const name of ['one', 'two', 'three']) ids.push(await newVolume({ name, metadata: { of: name } }))
  const names = async (query: string, more: Ask = {}) =>
    (await ask('GET', `/volumes/detail?${query}`, more)).expect(200).each('volumes', 'name')
  assert.deepEqual(await names('sort=created_at:asc'), ['one', 'two', 'three'])
  assert.deepEqual(await names('sort_key=name&sort_dir=desc'), ['two', 'three', 'one'])
  const first = await ask('GET', '/volumes?limit=2&sort=created_at:asc')
  assert.deepEqual(first.each('volumes', 'name'), ['one', 'two'])
  const next = new URL(first.string('volumes_links.0.href'))
  const second = await call('GET', next.href, { token: a })
  assert.deepEqual([second.each('volumes', 'name'), second.get('volumes_links')], [['three'], undefined])
  assert.deepEqual(await names('name=two&status=available'), ['two'])
  assert.deepEqual(await names(`metadata=${encodeURIComponent("{'of': 'one'}")}`), ['one'])
  assert.deepEqual(await names('name~=t&sort=name:asc', { v: 34 }), ['three', 'two'])
  assert.deepEqual(await names('bootable=true'), [])
  assert.equal((await ask('GET', '/volumes?limit=1&with_count=1', { v: 45 })).get('count'), 3)
  assert.deepEqual(await names('all_tenants=1', { token: b }), [])
  const all = await names('all_tenants=1&sort=created_at:asc', { token: admin })
  assert.deepEqual(
    all.filter(name => ['one', 'two', 'three'].includes(String(name))),
    ['one', 'two', 'three'],
  )
  assert.deepEqual(await names('', { token: admin }), [])
  assert.match(messageOf((await ask('GET', '/volumes?colour=red', { v: 31 })).expect(400)), /Invalid filters colour/)
  ;(await ask('GET', '/volumes?colour=red')).expect(200)
  ;(await ask('GET', '/volumes?limit=-1')).expect(400)
  ;(await ask('GET', `/volumes?marker=${newUuid()}`)).expect(404)
  assert.deepEqual((await ask('GET', '/volumes/summary', { v: 12 })).get('volume-summary'), {
    total_count: 3,
    total_size: 3,
  })
  await remove(...ids)
})

test('metadata, the read-only flag, bootable, image metadata', async () => {
  const id = await newVolume({ metadata: { a: '1' } })
  const at = `/volumes/${id}/metadata`
  assert.deepEqual((await ask('POST', at, { body: { metadata: { b: '2' } } })).get('metadata'), { a: '1', b: '2' })
  assert.deepEqual((await ask('PUT', `${at}/b`, { body: { meta: { b: '3' } } })).get('meta'), { b: '3' })
  assert.deepEqual((await ask('GET', `${at}/b`)).get('meta'), { b: '3' })
  ;(await ask('DELETE', `${at}/a`)).expect(200)
  ;(await ask('DELETE', `${at}/a`)).expect(404)
  ;(await ask('PUT', `${at}/c`, { body: { meta: { b: '3' } } })).expect(400)
  assert.deepEqual((await ask('PUT', at, { body: { metadata: {} } })).get('metadata'), {})
  ;(await act(id, 'os-update_readonly_flag', { readonly: true })).expect(202)
  assert.deepEqual((await ask('GET', `/volumes/${id}`)).get('volume.metadata'), { readonly: 'True' })
  ;(await act(id, 'os-set_bootable', { bootable: 'true' })).expect(200)
  assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.bootable'), 'true')
  ;(await act(id, 'os-set_image_metadata', { metadata: { os_type: 'linux' } })).expect(200)
  assert.deepEqual((await act(id, 'os-show_image_metadata', {})).get('metadata'), { os_type: 'linux' })
  assert.deepEqual((await ask('GET', `/volumes/${id}`)).get('volume.volume_image_metadata'), { os_type: 'linux' })
  ;(await act(id, 'os-unset_image_metadata', { key: 'os_type' })).expect(200)
  ;(await act(id, 'os-unset_image_metadata', { key: 'os_type' })).expect(404)
  assert.match(messageOf((await act(id, 'os-jump')).expect(400)), /There is no such action: os-jump\./)
  await remove(id)
})

test('snapshots: made, forced, described, reset, and the volume they hold', async () => {
  const id = await newVolume({ name: 'base' })
  const attach = { instance_uuid: newUuid(), mountpoint: '/dev/vdb' }
  ;(await act(id, 'os-attach', attach)).expect(202)
  const body = (force?: boolean) => ({
    snapshot: { volume_id: id, name: 's', ...(force === undefined ? {} : { force }) },
  })
  const inUse = (await ask('POST', '/snapshots', { body: body() })).expect(400)
  assert.match(messageOf(inUse), /status must be available, but current status is: in-use\./)
  const forced = (await ask('POST', '/snapshots', { body: body(true) })).expect(202).string('snapshot.id')
  const free = (await ask('POST', '/snapshots', { body: body(), v: 66 })).expect(202).string('snapshot.id')
  ;(await ask('POST', '/snapshots', { body: body(false), v: 66 })).expect(400)
  for (const one of [forced, free]) await until(`/snapshots/${one}`, 'available')
  assert.equal(
    (await ask('GET', `/snapshots/${forced}`)).get('snapshot.os-extended-snapshot-attributes:progress'),
    '100%',
  )
  assert.deepEqual((await ask('GET', `/snapshots?volume_id=${id}&sort=created_at:asc`)).each('snapshots', 'id'), [
    forced,
    free,
  ])
  const renamed = await ask('PUT', `/snapshots/${free}`, { body: { snapshot: { name: 't', description: 'x' } } })
  assert.deepEqual([renamed.get('snapshot.name'), renamed.get('snapshot.description')], ['t', 'x'])
  ;(await ask('POST', `/snapshots/${free}/metadata`, { body: { metadata: { a: 'b' } } })).expect(200)
  ;(await ask('GET', `/snapshots/${free}`, { token: b })).expect(404)
  ;(await act(id, 'os-detach')).expect(202)
  const held = (await ask('DELETE', `/volumes/${id}`)).expect(400)
  assert.match(messageOf(held), /Volume status must be .* have snapshots/)
  const reset = { body: { 'os-reset_status': { status: 'error' } } }
  ;(await ask('POST', `/snapshots/${free}/action`, reset)).expect(403)
  ;(await ask('POST', `/snapshots/${free}/action`, { ...reset, token: admin })).expect(202)
  assert.equal((await ask('GET', `/snapshots/${free}`)).get('snapshot.status'), 'error')
  ;(await ask('DELETE', `/snapshots/${free}`)).expect(202)
  await untilGone(`/snapshots/${free}`)
  ;(await ask('DELETE', `/volumes/${id}?cascade=true`)).expect(202)
  await untilGone(`/volumes/${id}`)
  await untilGone(`/snapshots/${forced}`)
  await untilEmpty()
})

test('attachments: reserved, connected, complete, and not taken away by hand', async () => {
  const id = await newVolume()
  const server = newUuid()
  const make = (instance_uuid: string, more: object = {}, v = 44) =>
    ask('POST', '/attachments', { v, body: { attachment: { volume_uuid: id, instance_uuid, ...more } } })
  const made = (await make(server)).expect(200)
  const at = `/attachments/${made.string('attachment.id')}`
  assert.deepEqual([made.get('attachment.status'), made.get('attachment.connection_info')], ['reserved', {}])
  assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.status'), 'reserved')
  const second = (await make(newUuid())).expect(400)
  assert.match(
    messageOf(second),
    /status must be available or downloading to reserve, but the current status is reserved/,
  )
  ;(await make(server, { mode: 'ro' }, 53)).expect(400)
  ;(await ask('PUT', at, { v: 44, body: { attachment: {} } })).expect(400)
  const connector = { host: 'h', mountpoint: '/dev/vdc' }
  const updated = (await ask('PUT', at, { v: 44, body: { attachment: { connector } } })).expect(200)
  assert.equal(updated.get('attachment.connection_info.driver_volume_type'), 'local')
  assert.equal(statSync(updated.string('attachment.connection_info.device_path')).size, GiB)
  ;(await ask('POST', `${at}/action`, { v: 43, body: { 'os-complete': {} } })).expect(404)
  ;(await ask('POST', `${at}/action`, { v: 44, body: { 'os-complete': {} } })).expect(204)
  const volume = await ask('GET', `/volumes/${id}`)
  assert.deepEqual([volume.get('volume.status'), volume.get('volume.attachments.0.device')], ['in-use', '/dev/vdc'])
  assert.equal(volume.get('volume.metadata.attached_mode'), 'rw')
  assert.deepEqual((await ask('GET', `/attachments?instance_id=${server}`, { v: 44 })).each('attachments', 'id'), [
    made.string('attachment.id'),
  ])
  ;(await ask('GET', at, { v: 44, token: b })).expect(404)
  inNova.set(`${server}/${id}`, made.string('attachment.id'))
  const kept = (await ask('DELETE', at, { v: 44 })).expect(409)
  assert.equal(messageOf(kept), `Detach volume from instance ${server} using the Compute API`)
  ;(await act(id, 'os-detach')).expect(409)
  const { token } = await cloud.identity.port.serviceCaller()
  const left = await ask('DELETE', at, { v: 44, headers: { 'x-service-token': token } })
  assert.deepEqual(left.expect(200).get('attachments'), [])
  inNova.clear()
  assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.status'), 'available')
  await remove(id)
})

test('many servers share a volume of a multiattach type', async () => {
  const asked = await newVolume({ multiattach: true })
  assert.equal((await ask('GET', `/volumes/${asked}`)).get('volume.multiattach'), true)
  await remove(asked)
  const spec = { name: 'shared', extra_specs: { multiattach: '<is> True' } }
  ;(await ask('POST', '/types', { body: { volume_type: spec } })).expect(403)
  const type = (await ask('POST', '/types', { token: admin, body: { volume_type: spec } })).expect(200)
  const id = await newVolume({ volume_type: 'shared' })
  assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.multiattach'), true)
  const attach = async () => {
    const body = { attachment: { volume_uuid: id, instance_uuid: newUuid(), connector: { host: 'h' } } }
    const made = (await ask('POST', '/attachments', { v: 44, body })).expect(200).string('attachment.id')
    ;(await ask('POST', `/attachments/${made}/action`, { v: 44, body: { 'os-complete': {} } })).expect(204)
    return made
  }
  const both = [await attach(), await attach()]
  assert.equal((await ask('GET', `/volumes/${id}`)).each('volume.attachments', 'attachment_id').length, 2)
  ;(await act(id, 'os-detach')).expect(400)
  for (const [one, status] of [
    [both[0], 'in-use'],
    [both[1], 'available'],
  ]) {
    ;(await ask('DELETE', `/attachments/${one}`, { v: 44 })).expect(200)
    assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.status'), status)
  }
  ;(await ask('DELETE', `/types/${type.string('volume_type.id')}`, { token: admin })).expect(400)
  await remove(id)
  ;(await ask('DELETE', `/types/${type.string('volume_type.id')}`, { token: admin })).expect(202)
})

test('extended, also in use: the servers are told', async () => {
  const id = await newVolume()
  assert.match(
    messageOf((await act(id, 'os-extend', { new_size: 1 })).expect(400)),
    /New size for extend must be greater/,
  )
  ;(await act(id, 'os-extend', { new_size: 2 })).expect(202)
  assert.equal((await until(`/volumes/${id}`, 'available')).get('volume.size'), 2)
  const server = newUuid()
  ;(await act(id, 'os-attach', { instance_uuid: server, mountpoint: '/dev/vdb' })).expect(202)
  ;(await act(id, 'os-extend', { new_size: 3 })).expect(400)
  ;(await act(id, 'os-extend', { new_size: 3 }, { v: 42 })).expect(202)
  assert.equal((await until(`/volumes/${id}`, 'in-use')).get('volume.size'), 3)
  await waitFor('the event', () => events.find(e => e.volumeId === id), { deadlineMs: 60_000 })
  assert.deepEqual(
    events.find(e => e.volumeId === id),
    { name: 'volume-extended', serverIds: [server], volumeId: id, isFailed: false },
  )
  const files = readdirSync(cloud.volumesPath)
  assert.deepEqual(
    files.map(name => statSync(join(cloud.volumesPath, name)).size),
    [3 * GiB],
  )
  assert.equal(statSync(join(cloud.volumesPath, files[0] ?? '')).blocks, 0)
  ;(await act(id, 'os-detach')).expect(202)
  await remove(id)
})

test('the old way to attach: reserve, connect, detach, roll back', async () => {
  const id = await newVolume()
  const status = async () => (await ask('GET', `/volumes/${id}`)).get('volume.status')
  ;(await act(id, 'os-reserve')).expect(202)
  assert.equal(await status(), 'attaching')
  assert.match(
    messageOf((await act(id, 'os-reserve')).expect(400)),
    /must be available to reserve, but the status is attaching/,
  )
  ;(await act(id, 'os-unreserve')).expect(202)
  ;(await act(id, 'os-unreserve')).expect(202)
  const info = (await act(id, 'os-initialize_connection', { connector: { host: 'h' } })).expect(200)
  assert.equal(info.get('connection_info.driver_volume_type'), 'local')
  ;(await act(id, 'os-terminate_connection', { connector: { host: 'h' } })).expect(202)
  ;(await act(id, 'os-begin_detaching')).expect(400)
  ;(await act(id, 'os-attach', { mountpoint: '/dev/vdb' })).expect(400)
  ;(await act(id, 'os-attach', { instance_uuid: newUuid(), mountpoint: '/dev/vdb' })).expect(202)
  ;(await act(id, 'os-attach', { instance_uuid: newUuid(), mountpoint: '/dev/vdb' })).expect(400)
  ;(await act(id, 'os-begin_detaching')).expect(202)
  assert.equal(await status(), 'detaching')
  ;(await act(id, 'os-roll_detaching')).expect(202)
  assert.equal(await status(), 'in-use')
  ;(await act(id, 'os-detach', {})).expect(202)
  assert.equal(await status(), 'available')
  await remove(id)
})

test('status is reset and deletion forced by administrators alone', async () => {
  const id = await newVolume()
  ;(await act(id, 'os-reset_status', { status: 'error' })).expect(403)
  ;(await act(id, 'os-reset_status', {}, { token: admin })).expect(400)
  ;(await act(id, 'os-reset_status', { status: 'in-use' }, { token: admin })).expect(400)
  ;(await act(id, 'os-reset_status', { status: 'maintenance' }, { token: admin })).expect(202)
  ;(await ask('DELETE', `/volumes/${id}`)).expect(400)
  const body = { attachment: { volume_uuid: id, instance_uuid: newUuid() } }
  ;(await ask('POST', '/attachments', { v: 44, body })).expect(400)
  assert.match(
    messageOf((await act(id, 'os-force_delete')).expect(403)),
    /Policy doesn't allow .*force_delete to be performed\./,
  )
  ;(await act(id, 'os-force_delete', null, { token: admin })).expect(202)
  await untilGone(`/volumes/${id}`)
})

test('a reader reads and no more', async () => {
  const reader = await newPerson(cloud, 'reader', 'reader')
  const token = await reader.token()
  const at = { token, project: reader.projectId }
  ;(await ask('GET', '/volumes/detail', at)).expect(200)
  const refused = await ask('POST', '/volumes', { ...at, body: { volume: { size: 1 } } })
  assert.equal(messageOf(refused.expect(403)), "Policy doesn't allow volume:create to be performed.")
})

test('an image that needs qemu-img: as a disk where it is installed, else an error that says so', async () => {
  const image = await newImage('vhdx', Buffer.alloc(65_536, 'x'))
  const reply = await ask('POST', '/volumes', { body: { volume: { size: 1, imageRef: image } } })
  const id = reply.expect(202).string('volume.id')
  const end = await waitFor(
    'the volume to be ready or in error',
    async () => {
      const now = (await ask('GET', `/volumes/${id}`)).get('volume.status')
      return now === 'available' || now === 'error' ? now : undefined
    },
    { deadlineMs: 60_000 },
  )
  if (end === 'error') {
    const messages = await waitFor(
      'the message',
      async () => {
        const found = await ask('GET', `/messages?resource_uuid=${id}`, { v: 5 })
        return found.each('messages', 'user_message').length > 0 ? found : undefined
      },
      { deadlineMs: 60_000 },
    )
    assert.match(messages.string('messages.0.user_message'), /copy image to volume:.*/)
    ;(await ask('DELETE', `/messages/${messages.string('messages.0.id')}`, { v: 3 })).expect(204)
  }
  await remove(id)
  await untilEmpty()
})

test('a volume becomes an image and the image a volume', async () => {
  const bits = Buffer.concat([Buffer.from('some bits'), Buffer.alloc(50_000)])
  const image = await newImage('raw', bits, { hw_disk_bus: 'scsi', visibility: 'private' })
  const id = await newVolume({ imageRef: image })
  const wish = { image_name: 'from a volume', force: false, disk_format: 'raw', container_format: 'bare' }
  ;(await act(id, 'os-volume_upload_image', { ...wish, visibility: 'private' })).expect(400)
  const reply = (await act(id, 'os-volume_upload_image', { ...wish, visibility: 'shared' }, { v: 1 })).expect(202)
  assert.deepEqual(
    [reply.get('os-volume_upload_image.status'), reply.get('os-volume_upload_image.visibility')],
    ['uploading', 'shared'],
  )
  const made = reply.string('os-volume_upload_image.image_id')
  // A GiB of hashes.
  await until(`/volumes/${id}`, 'available', a, 60_000)
  const shown = await cloud.image.port.get('service', made)
  assert.deepEqual([shown.status, shown.sizeBytes, shown.properties.hw_disk_bus], ['active', GiB, 'scsi'])
  const path = (await cloud.image.port.localPath?.('service', made)) ?? ''
  assert.equal(headOf(path, bits.length), bits.toString())
  await remove(id)
})

test('a volume changes hands', async () => {
  const id = await newVolume({ name: 'gift' })
  const made = await ask('POST', '/volume-transfers', { v: 55, body: { transfer: { volume_id: id, name: 't' } } })
  const at = `/os-volume-transfer/${made.expect(202).string('transfer.id')}`
  assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.status'), 'awaiting-transfer')
  ;(await ask('GET', at, { token: b })).expect(404)
  const wrong = { token: b, body: { accept: { auth_key: 'nonsense' } } }
  assert.match(messageOf((await ask('POST', `${at}/accept`, wrong)).expect(400)), /Invalid auth key/)
  const right = { token: b, body: { accept: { auth_key: made.string('transfer.auth_key') } } }
  ;(await ask('POST', `${at}/accept`, right)).expect(202)
  ;(await ask('GET', `/volumes/${id}`)).expect(404)
  assert.equal((await ask('GET', `/volumes/${id}`, { token: b })).get('volume.status'), 'available')
  ;(await ask('DELETE', `/volumes/${id}`, { token: b })).expect(202)
  const kept = await newVolume()
  const other = await ask('POST', '/os-volume-transfer', { body: { transfer: { volume_id: kept } } })
  assert.equal((await ask('GET', '/os-volume-transfer/detail')).each('transfers', 'volume_id').length, 1)
  ;(await ask('DELETE', `/os-volume-transfer/${other.string('transfer.id')}`)).expect(202)
  await remove(kept)
})

test('quotas hold, are shown with what is used, and can be changed', async () => {
  const at = `/os-quota-sets/${bob.projectId}`
  ;(await ask('PUT', at, { body: { quota_set: { volumes: 1 } } })).expect(403)
  ;(await ask('GET', at)).expect(403)
  const set = await ask('PUT', at, { token: admin, body: { quota_set: { volumes: 1, gigabytes: 5 } } })
  assert.deepEqual([set.expect(200).get('quota_set.volumes'), set.get('quota_set.snapshots')], [1, 10])
  const big = (await ask('POST', '/volumes', { token: b, body: { volume: { size: 6 } } })).expect(413)
  assert.equal(big.headers.get('retry-after'), '0')
  assert.match(messageOf(big), /exceeds allowed gigabytes quota\. Requested 6G, quota is 5G and 0G has been consumed\./)
  const tries = await Promise.all(
    Array.from({ length: 5 }, () => ask('POST', '/volumes', { token: b, body: { volume: { size: 1 } } })),
  )
  assert.deepEqual(tries.map(reply => reply.status).sort(), [202, 413, 413, 413, 413])
  const usage = await ask('GET', `${at}?usage=true`, { token: b })
  assert.deepEqual(usage.get('quota_set.volumes'), { limit: 1, in_use: 1, reserved: 0 })
  const limits = (await ask('GET', '/limits', { token: b })).get('limits.absolute') as Record<string, number>
  assert.deepEqual([limits.maxTotalVolumes, limits.totalVolumesUsed, limits.totalGigabytesUsed], [1, 1, 1])
  ;(await ask('PUT', at, { token: admin, body: { quota_set: { gigabytes: 0 } } })).expect(400)
  ;(await ask('DELETE', at, { token: admin })).expect(200)
  assert.equal((await ask('GET', at, { token: b })).get('quota_set.volumes'), 10)
  assert.equal((await ask('GET', `${at}/defaults`, { token: b })).get('quota_set.gigabytes___DEFAULT__'), -1)
  const id = tries.find(reply => reply.status === 202)?.string('volume.id') ?? ''
  await until(`/volumes/${id}`, 'available', b)
  ;(await ask('DELETE', `/volumes/${id}`, { token: b })).expect(202)
})

test('types: private ones, extra specs, encryption, defaults', async () => {
  const admins = { token: admin }
  const wish = { name: 'secret', 'os-volume-type-access:is_public': false }
  const made = (await ask('POST', '/types', { ...admins, body: { volume_type: wish } })).expect(200)
  const at = `/types/${made.string('volume_type.id')}`
  ;(await ask('POST', '/types', { ...admins, body: { volume_type: wish } })).expect(409)
  ;(await ask('GET', at)).expect(404)
  const access = (project: string) => ({ ...admins, body: { addProjectAccess: { project } } })
  ;(await ask('POST', `${at}/action`, access(alice.projectId))).expect(202)
  ;(await ask('POST', `${at}/action`, access(alice.projectId))).expect(409)
  ;(await ask('GET', at)).expect(200)
  assert.equal(
    (await ask('GET', `${at}/os-volume-type-access`, admins)).each('volume_type_access', 'project_id').length,
    1,
  )
  ;(
    await ask('POST', `${at}/extra_specs`, {
      ...admins,
      body: { extra_specs: { a: 'b', 'RESKEY:availability_zones': 'nova' } },
    })
  ).expect(200)
  ;(await ask('PUT', `${at}/extra_specs/a`, { ...admins, body: { a: 'c' } })).expect(200)
  assert.deepEqual((await ask('GET', `${at}/extra_specs`, admins)).get('extra_specs'), {
    a: 'c',
    'RESKEY:availability_zones': 'nova',
  })
  assert.deepEqual((await ask('GET', `${at}/extra_specs`)).get('extra_specs'), { 'RESKEY:availability_zones': 'nova' })
  ;(await ask('DELETE', `${at}/extra_specs/a`, admins)).expect(202)
  const encryption = { provider: 'luks', control_location: 'front-end', cipher: 'aes-xts-plain64', key_size: 256 }
  ;(await ask('POST', `${at}/encryption`, { ...admins, body: { encryption } })).expect(200)
  assert.equal((await ask('GET', `${at}/encryption`, admins)).get('key_size'), 256)
  const id = await newVolume({ volume_type: 'secret' })
  assert.equal((await ask('GET', `/volumes/${id}`)).get('volume.encrypted'), true)
  assert.equal((await ask('GET', `/volumes/${id}/encryption`)).get('cipher'), 'aes-xts-plain64')
  ;(await ask('DELETE', `${at}/encryption/provider`, admins)).expect(400)
  await remove(id)
  const body = { default_type: { volume_type: 'secret' } }
  ;(await ask('PUT', `/default-types/${alice.projectId}`, { ...admins, v: 62, body })).expect(200)
  assert.equal((await ask('GET', '/types/default')).get('volume_type.name'), 'secret')
  ;(await ask('DELETE', `/default-types/${alice.projectId}`, { ...admins, v: 62 })).expect(204)
  ;(
    await act(await newVolume({ name: 'typed' }), 'os-retype', { new_type: 'secret', migration_policy: 'never' })
  ).expect(202)
  const typed = (await ask('GET', '/volumes/detail?name=typed')).each('volumes', 'volume_type')
  assert.deepEqual(typed, ['secret'])
  const [typedId] = (await ask('GET', '/volumes?name=typed')).each('volumes', 'id')
  await remove(String(typedId))
  ;(await ask('DELETE', at, admins)).expect(202)
  assert.deepEqual((await ask('GET', '/types')).each('volume_types', 'name'), ['__DEFAULT__'])
})

test('the service and what it does not have', async () => {
  const admins = { token: admin, v: 70 }
  assert.deepEqual((await ask('GET', '/os-services', admins)).each('services', 'state'), ['up', 'up'])
  ;(await ask('GET', '/os-services')).expect(403)
  const pools = await ask('GET', '/scheduler-stats/get_pools?detail=true', admins)
  assert.equal(pools.get('pools.0.capabilities.multiattach'), true)
  assert.deepEqual((await ask('GET', '/os-availability-zone')).each('availabilityZoneInfo', 'zoneName'), ['nova'])
  const host = (await ask('GET', '/os-services?binary=cinder-volume', admins)).string('services.0.host')
  const disable = { ...admins, body: { binary: 'cinder-volume', host, disabled_reason: 'rest' } }
  ;(await ask('PUT', '/os-services/disable-log-reason', disable)).expect(200)
  assert.equal((await ask('GET', '/os-services?binary=cinder-volume', admins)).get('services.0.status'), 'disabled')
  ;(await ask('PUT', '/os-services/enable', { ...admins, body: { binary: 'cinder-volume', host } })).expect(200)
  for (const name of ['backups', 'consistencygroups', 'cgsnapshots', 'groups', 'group_snapshots', 'group_types']) {
    assert.deepEqual((await ask('GET', `/${name}`, { v: 70 })).expect(200).get(name), [])
    ;(await ask('GET', `/${name}/${newUuid()}`, { v: 70 })).expect(404)
  }
  ;(await ask('GET', '/extensions')).expect(200)
  ;(await ask('GET', '/nothing')).expect(404)
})

test('files that no volume names, and only those, go at the next start', async () => {
  const own = newFolder()
  const first = await startCloud({ folder: own })
  const { id } = await first.volume.port.create('service', { name: 'kept', sizeGiB: 1 })
  await waitFor(
    'the volume',
    async () => ((await first.volume.port.get('service', id)).status === 'available' ? true : undefined),
    {
      deadlineMs: 60_000,
    },
  )
  await first.close()
  for (const name of [`${newUuid()}.0123abcd`, `${newUuid()}.0123abcd.packed`, 'notes.txt']) {
    writeFileSync(join(own, 'volumes', name), 'x')
  }
  const again = await startCloud({ folder: own })
  try {
    const left = readdirSync(again.volumesPath)
    assert.deepEqual([left.length, left.includes('notes.txt'), left.some(name => name.startsWith(id))], [2, true, true])
  } finally {
    await again.close()
    removeFolder(own)
  }
})
