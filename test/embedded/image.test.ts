import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { newUuid, waitFor } from '#base'
import { ImageNotFound, ImageUnavailable } from '#cloud'
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
const maxImageBytes = 8 * 1024 * 1024
let cloud: Cloud
let admin: string
let alice: Person
let bob: Person
let a: string
let b: string
before(async () => {
  cloud = await startCloud({ folder, maxImageBytes })
  admin = await adminToken(cloud)
  ;[alice, bob] = [await newPerson(cloud, 'alice'), await newPerson(cloud, 'bob')]
  ;[a, b] = [await alice.token(), await bob.token()]
})
after(async () => {
  await cloud.close()
  removeFolder(folder)
})

const v2 = (path: string): string => `${cloud.imageUrl}/v2${path}`
const octets = { 'content-type': 'application/octet-stream' }
const patchType = { 'content-type': 'application/openstack-images-v2.1-json-patch' }
const raw = { disk_format: 'raw', container_format: 'bare' }

async function newImage(token: string, body: object = {}): Promise<string> {
  const reply = await call('POST', v2('/images'), { token, body: { ...raw, ...body } })
  return reply.expect(201).string('id')
}
const put = (token: string, id: string, bytes: Uint8Array<ArrayBuffer>, headers = octets): Promise<Reply> =>
  call('PUT', v2(`/images/${id}/file`), { token, raw: bytes, headers })
const get = (token: string, path: string): Promise<Reply> => call('GET', v2(path), { token })
const patch = (token: string, id: string, operations: unknown): Promise<Reply> =>
  call('PATCH', v2(`/images/${id}`), {
    token,
    raw: Buffer.from(JSON.stringify(operations)),
    headers: patchType,
  })
const filesOf = (id: string): string[] => readdirSync(cloud.imagesPath).filter(name => name.startsWith(id))
const message = (reply: Reply): string => reply.string('message')

async function activeImage(token: string, bytes: Uint8Array<ArrayBuffer>, body: object = {}): Promise<string> {
  const id = await newImage(token, body)
  ;(await put(token, id, bytes)).expect(204)
  return id
}

/** An upload of which only the first bytes have been sent; wait for `saving` before going on. */
async function openUpload(token: string, id: string, first: Uint8Array): Promise<ClientRequest> {
  const upload = request(v2(`/images/${id}/file`), {
    method: 'PUT',
    headers: { ...octets, 'x-auth-token': token, 'transfer-encoding': 'chunked' },
  })
  upload.on('error', () => undefined) // we break it off ourselves
  upload.write(first)
  await waitForStatus(id, 'saving')
  return upload
}

const waitForStatus = (id: string, status: string): Promise<true> =>
  waitFor(
    `image ${status}`,
    async () => ((await cloud.image.port.get('service', id)).status === status ? (true as const) : undefined),
    { deadlineMs: 60_000 },
  )

test('the version documents need no token, everything else does', async () => {
  const root = (await call('GET', cloud.imageUrl)).expect(300)
  assert.equal(root.get('versions.0.status'), 'CURRENT')
  assert.equal(root.get('versions.0.links.0.href'), v2('/'))
  const refused = (await call('GET', v2('/images'))).expect(401)
  assert.equal(refused.get('error.message'), 'The request you have made requires authentication.')
  assert.equal(refused.headers.get('www-authenticate'), `Keystone uri="${cloud.identityUrl}/v3"`)
})

test('what goes up comes down, with its hashes', async () => {
  const bytes = randomBytes(3_000_000)
  const id = await activeImage(a, bytes, { name: 'random', hw_disk_bus: 'virtio', tags: ['x'] })
  const shown = (await get(a, `/images/${id}`)).expect(200)
  const md5 = createHash('md5').update(bytes).digest('hex')
  assert.equal(shown.get('status'), 'active')
  assert.equal(shown.get('size'), bytes.length)
  assert.equal(shown.get('virtual_size'), bytes.length)
  assert.equal(shown.get('checksum'), md5)
  assert.equal(shown.get('os_hash_algo'), 'sha512')
  assert.equal(shown.get('os_hash_value'), createHash('sha512').update(bytes).digest('hex'))
  assert.equal(shown.get('hw_disk_bus'), 'virtio')
  assert.equal(shown.get('owner'), alice.projectId)
  assert.equal(shown.get('visibility'), 'shared')
  const response = await fetch(v2(`/images/${id}/file`), { headers: { 'x-auth-token': a } })
  assert.equal(response.headers.get('content-md5'), md5)
  assert.equal(response.headers.get('content-length'), String(bytes.length))
  assert.ok(bytes.equals(Buffer.from(await response.arrayBuffer())))
})

test('ranges', async () => {
  const id = await activeImage(a, Buffer.from('0123456789'))
  const range = (value: string) => call('GET', v2(`/images/${id}/file`), { token: a, headers: { range: value } })
  const cases: Record<string, [string, string]> = {
    'bytes=0-4': ['01234', 'bytes 0-4/10'],
    'bytes=7-': ['789', 'bytes 7-9/10'],
    'bytes=-2': ['89', 'bytes 8-9/10'],
    'bytes=5-500': ['56789', 'bytes 5-9/10'],
  }
  for (const [value, [text, content]] of Object.entries(cases)) {
    const reply = (await range(value)).expect(206)
    assert.equal(reply.text, text)
    assert.equal(reply.headers.get('content-range'), content)
  }
  for (const bad of ['bytes=10-', 'bytes=5-2', 'lines=1-2', 'bytes=-']) (await range(bad)).expect(416)
})

test('a qcow2 image shows the size of its disk; a lie shows none', async () => {
  const header = Buffer.alloc(512)
  header.writeUInt32BE(0x514649fb, 0)
  header.writeBigUInt64BE(10n * 1024n ** 3n, 24)
  const qcow2 = { disk_format: 'qcow2' }
  const honest = await activeImage(a, header, qcow2)
  assert.equal((await get(a, `/images/${honest}`)).get('virtual_size'), 10 * 1024 ** 3)
  const lie = await activeImage(a, Buffer.from('not qcow2 at all'), qcow2)
  assert.equal((await get(a, `/images/${lie}`)).get('virtual_size'), null)
})

test('an upload is refused where Glance refuses it', async () => {
  const bare = (await call('POST', v2('/images'), { token: a, body: {} })).expect(201).string('id')
  const noFormat = (await put(a, bare, Buffer.from('x'))).expect(400)
  assert.equal(message(noFormat), 'Properties disk_format, container_format must be set prior to saving data.')
  const id = await activeImage(a, Buffer.from('x'))
  const again = (await put(a, id, Buffer.from('y'))).expect(409)
  assert.equal(message(again), 'Image status transition from active to saving is not allowed')
  const other = await newImage(a)
  ;(await put(a, other, Buffer.from('x'), { 'content-type': 'text/plain' })).expect(415)
  ;(await put(b, other, Buffer.from('x'))).expect(404)
  ;(await put(a, newUuid(), Buffer.from('x'))).expect(404)
  const empty = (await get(a, `/images/${other}/file`)).expect(204)
  assert.equal(empty.text, '')
})

test('a too large upload leaves a queued image and no file', async () => {
  const id = await newImage(a)
  const reply = (await put(a, id, Buffer.alloc(maxImageBytes + 1))).expect(413)
  assert.equal(message(reply), 'The incoming image is too large: The provided image is too large.')
  assert.equal((await get(a, `/images/${id}`)).get('status'), 'queued')
  assert.deepEqual(filesOf(id), [])
})

test('a broken upload leaves a queued image and no file, and may be repeated', async () => {
  const id = await newImage(a)
  const upload = await openUpload(a, id, Buffer.alloc(100_000))
  upload.destroy()
  await waitForStatus(id, 'queued')
  assert.deepEqual(filesOf(id), [])
  ;(await put(a, id, Buffer.from('whole'))).expect(204)
  assert.equal((await get(a, `/images/${id}`)).get('size'), 5)
})

test('of two uploads of one image, the first counts', async () => {
  const id = await newImage(a)
  const first = await openUpload(a, id, Buffer.from('first'))
  const second = (await put(a, id, Buffer.from('second'))).expect(409)
  assert.equal(message(second), 'Image status transition from saving to saving is not allowed')
  const status = new Promise<number | undefined>(resolve => first.on('response', r => resolve(r.statusCode)))
  first.end()
  assert.equal(await status, 204)
  assert.equal((await get(a, `/images/${id}/file`)).text, 'first')
  assert.equal(filesOf(id).length, 1)
})

test('an image deleted during its upload is gone, with its file', async () => {
  const id = await newImage(a)
  const upload = await openUpload(a, id, Buffer.from('doomed'))
  ;(await call('DELETE', v2(`/images/${id}`), { token: a })).expect(204)
  const status = new Promise<number | undefined>(resolve => upload.on('response', r => resolve(r.statusCode)))
  upload.end()
  assert.equal(await status, 410)
  ;(await get(a, `/images/${id}`)).expect(404)
  assert.deepEqual(filesOf(id), [])
})

test('an upload never fills another image that took the id of its own', async () => {
  const id = await newImage(a)
  const upload = await openUpload(a, id, Buffer.from('of the first'))
  ;(await call('DELETE', v2(`/images/${id}`), { token: a })).expect(204)
  await newImage(a, { id })
  const status = new Promise<number | undefined>(resolve => upload.on('response', r => resolve(r.statusCode)))
  upload.end()
  assert.equal(await status, 410)
  assert.equal((await get(a, `/images/${id}`)).get('status'), 'queued')
  assert.deepEqual(filesOf(id), [])
})

test('deleting removes the file, unless the image is protected', async () => {
  const id = await activeImage(a, Buffer.from('x'), { protected: true })
  const refused = (await call('DELETE', v2(`/images/${id}`), { token: a })).expect(403)
  assert.equal(message(refused), `Image ${id} is protected and cannot be deleted.`)
  ;(await patch(a, id, [{ op: 'replace', path: '/protected', value: false }])).expect(200)
  ;(await call('DELETE', v2(`/images/${id}`), { token: b })).expect(404)
  ;(await call('DELETE', v2(`/images/${id}`), { token: a })).expect(204)
  const missing = (await get(a, `/images/${id}`)).expect(404)
  assert.equal(message(missing), `No image found with ID ${id}`)
  assert.deepEqual(filesOf(id), [])
})

test('who sees what', async () => {
  const name = 'seen'
  const make = (visibility: string) => newImage(visibility === 'public' ? admin : a, { name, visibility })
  const ids = Object.fromEntries(
    await Promise.all(
      ['public', 'private', 'shared', 'community'].map(async kind => [kind, await make(kind)] as const),
    ),
  )
  const listed = async (token: string, query = '') => {
    const reply = (await get(token, `/images?name=${name}&sort=created_at:asc${query}`)).expect(200)
    return reply.each('images', 'visibility').sort()
  }
  assert.deepEqual(await listed(a), ['community', 'private', 'public', 'shared'])
  assert.deepEqual(await listed(b), ['public'])
  assert.deepEqual(await listed(b, '&visibility=community'), ['community'])
  assert.deepEqual(await listed(b, '&visibility=all'), ['community', 'public'])
  assert.deepEqual(await listed(admin), ['private', 'public', 'shared'])
  for (const [kind, status] of Object.entries({ public: 200, community: 200, private: 404, shared: 404 })) {
    ;(await get(b, `/images/${ids[kind]}`)).expect(status)
  }
  const rename = [{ op: 'replace', path: '/name', value: 'mine' }]
  assert.equal(message((await patch(b, ids.community ?? '', rename)).expect(403)), 'You do not own this image')
  const forbidden = (await call('POST', v2('/images'), { token: a, body: { visibility: 'public' } })).expect(403)
  assert.equal(message(forbidden), 'You are not authorized to complete publicize_image action.')
  const publicize = [{ op: 'replace', path: '/visibility', value: 'public' }]
  ;(await patch(a, ids.private ?? '', publicize)).expect(403)
  ;(await patch(admin, ids.private ?? '', publicize)).expect(200)
})

test('a shared image is seen by its members, and listed once they accept', async () => {
  const id = await newImage(a, { name: 'between us' })
  const members = `/images/${id}/members`
  const member = { member: bob.projectId }
  ;(await call('POST', v2(members), { token: b, body: member })).expect(404)
  const made = (await call('POST', v2(members), { token: a, body: member })).expect(200)
  assert.equal(made.get('status'), 'pending')
  ;(await call('POST', v2(members), { token: a, body: member })).expect(409)
  ;(await get(b, `/images/${id}`)).expect(200)
  const listed = async (query = '') => (await get(b, `/images?name=between us${query}`)).each('images', 'id')
  assert.deepEqual(await listed(), [])
  assert.deepEqual(await listed('&member_status=pending'), [id])
  const accept = { status: 'accepted' }
  ;(await call('PUT', v2(`${members}/${bob.projectId}`), { token: a, body: accept })).expect(403)
  ;(await call('PUT', v2(`${members}/${bob.projectId}`), { token: b, body: { status: 'maybe' } })).expect(400)
  ;(await call('PUT', v2(`${members}/${bob.projectId}`), { token: b, body: accept })).expect(200)
  assert.deepEqual(await listed(), [id])
  ;(await call('DELETE', v2(`${members}/${bob.projectId}`), { token: b })).expect(403)
  ;(await call('DELETE', v2(`${members}/${bob.projectId}`), { token: a })).expect(204)
  ;(await get(b, `/images/${id}`)).expect(404)
  const own = await newImage(a, { visibility: 'private' })
  ;(await call('POST', v2(`/images/${own}/members`), { token: a, body: member })).expect(403)
})

test('a patch adds, replaces and removes, all or nothing', async () => {
  const id = await newImage(a, { name: 'old', color: 'red', shape: 'round' })
  const done = await patch(a, id, [
    { op: 'replace', path: '/name', value: 'new' },
    { op: 'add', path: '/size~1weight', value: 'heavy' },
    { op: 'replace', path: '/color', value: 'blue' },
    { op: 'remove', path: '/shape' },
    { op: 'replace', path: '/tags', value: ['b', 'a', 'a'] },
    { op: 'replace', path: '/min_disk', value: 3 },
  ])
  assert.deepEqual(
    ['name', 'size/weight', 'color', 'shape', 'tags', 'min_disk'].map(key => Reflect.get(Object(done.get('')), key)),
    ['new', 'heavy', 'blue', undefined, ['b', 'a'], 3],
  )
  const refusals: [number, string, object][] = [
    [403, "Attribute 'status' is read-only.", { op: 'replace', path: '/status', value: 'active' }],
    [403, "Attribute 'checksum' is read-only.", { op: 'add', path: '/checksum', value: 'x' }],
    [403, "Attribute 'deleted' is reserved.", { op: 'add', path: '/deleted', value: 'x' }],
    [403, "Owner can't be updated by non admin.", { op: 'replace', path: '/owner', value: bob.projectId }],
    [403, 'Property name may not be removed.', { op: 'remove', path: '/name' }],
    [409, 'Property none does not exist.', { op: 'replace', path: '/none', value: 'x' }],
    [409, 'Property none does not exist.', { op: 'remove', path: '/none' }],
    [
      400,
      'Invalid operation: `move`. It must be one of the following: add, remove, replace.',
      { op: 'move', path: '/a' },
    ],
    [400, 'Pointer `a` does not start with "/".', { op: 'add', path: 'a', value: 'x' }],
    [
      400,
      "Provided object does not match schema 'image': 5 is not of type 'string'",
      { op: 'add', path: '/a', value: 5 },
    ],
  ]
  for (const [status, text, operation] of refusals) {
    const reply = (await patch(a, id, [{ op: 'replace', path: '/name', value: 'half' }, operation])).expect(status)
    assert.equal(message(reply), text)
  }
  assert.equal((await get(a, `/images/${id}`)).get('name'), 'new')
  const json = { 'content-type': 'application/json' }
  ;(await call('PATCH', v2(`/images/${id}`), { token: a, raw: Buffer.from('[]'), headers: json })).expect(415)
  ;(await put(a, id, Buffer.from('bits'))).expect(204)
  const format = (await patch(a, id, [{ op: 'replace', path: '/disk_format', value: 'qcow2' }])).expect(403)
  assert.equal(message(format), 'Attribute disk_format can be only replaced for a queued image.')
})

test('a new image is checked like a patch', async () => {
  const id = newUuid()
  assert.equal(await newImage(a, { id }), id)
  const bodies: [number, object][] = [
    [409, { id }],
    [400, { id: 'not a uuid' }],
    [403, { status: 'active' }],
    [403, { self: '/x' }],
    [403, { owner: bob.projectId }],
    [400, { disk_format: 'floppy' }],
    [400, { min_ram: -1 }],
    [400, { protected: 'yes' }],
    [400, { name: 'x'.repeat(256) }],
    [413, { tags: Array.from({ length: 129 }, (_, i) => String(i)) }],
  ]
  for (const [status, body] of bodies) (await call('POST', v2('/images'), { token: a, body })).expect(status)
  const oddNames = Buffer.from('{"__proto__": "x", "constructor": "y"}')
  const odd = await call('POST', v2('/images'), {
    token: a,
    raw: oddNames,
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(odd.expect(201).get('constructor'), 'y')
})

test('a list filters, sorts and pages', async () => {
  const made: string[] = []
  for (const [i, name] of ['c', 'a', 'b', 'd', 'e'].entries()) {
    made.push(await activeImage(b, Buffer.alloc(10 * (i + 1)), { name, tags: [`t${i % 2}`, 'all'], kind: `k${i % 2}` }))
  }
  const names = async (query: string) => (await get(b, `/images?tag=all&${query}`)).expect(200).each('images', 'name')
  assert.deepEqual(await names('sort=name:asc'), ['a', 'b', 'c', 'd', 'e'])
  assert.deepEqual(await names('sort_key=size&sort_dir=desc'), ['e', 'd', 'b', 'a', 'c'])
  assert.deepEqual(await names('sort=name:asc&name=in:a,e,zz'), ['a', 'e'])
  assert.deepEqual(await names('sort=name:asc&kind=k1'), ['a', 'd'])
  assert.deepEqual(await names('sort=name:asc&tag=t0'), ['b', 'c', 'e'])
  assert.deepEqual(await names('sort=name:asc&size_min=20&size_max=40'), ['a', 'b', 'd'])
  assert.deepEqual(await names('created_at=lt:2020-01-01T00:00:00Z'), [])
  assert.deepEqual(await names(`id=${made[0]}`), ['c'])
  const seen: unknown[] = []
  for (let next: unknown = '/v2/images?tag=all&limit=2&sort=name:asc'; typeof next === 'string'; ) {
    const page = (await call('GET', cloud.imageUrl + next, { token: b })).expect(200)
    seen.push(...page.each('images', 'name'))
    next = page.get('next')
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e'])
  const bad = [
    'limit=x',
    'limit=-1',
    'sort_key=owner',
    'sort=name:up',
    'visibility=some',
    'size_min=x',
    `marker=${newUuid()}`,
  ]
  for (const query of bad) (await get(b, `/images?${query}`)).expect(400)
  ;(await patch(b, made[0] ?? '', [{ op: 'replace', path: '/os_hidden', value: true }])).expect(200)
  assert.deepEqual(await names('sort=name:asc'), ['a', 'b', 'd', 'e'])
  assert.deepEqual(await names('os_hidden=true'), ['c'])
})

test('a deactivated image keeps its bits from everybody but admins', async () => {
  const id = await activeImage(a, Buffer.from('bits'))
  ;(await call('POST', v2(`/images/${id}/actions/deactivate`), { token: a })).expect(204)
  ;(await get(a, `/images/${id}/file`)).expect(403)
  ;(await get(admin, `/images/${id}/file`)).expect(200)
  await assert.rejects(cloud.image.port.download('service', id), ImageUnavailable.is)
  ;(await call('POST', v2(`/images/${id}/actions/reactivate`), { token: a })).expect(204)
  ;(await get(a, `/images/${id}/file`)).expect(200)
  const queued = await newImage(a)
  ;(await call('POST', v2(`/images/${queued}/actions/deactivate`), { token: a })).expect(403)
})

test('tags', async () => {
  const id = await newImage(a)
  const tag = `/images/${id}/tags/${encodeURIComponent('blue & green')}`
  ;(await call('PUT', v2(tag), { token: a })).expect(204)
  ;(await call('PUT', v2(tag), { token: a })).expect(204)
  assert.deepEqual((await get(a, `/images/${id}`)).get('tags'), ['blue & green'])
  ;(await call('DELETE', v2(tag), { token: a })).expect(204)
  ;(await call('DELETE', v2(tag), { token: a })).expect(404)
})

test('a reader may look and not touch', async () => {
  const reader = await (await newPerson(cloud, 'reader only', 'reader')).token()
  ;(await get(reader, '/images')).expect(200)
  ;(await call('POST', v2('/images'), { token: reader, body: raw })).expect(403)
})

test('errors are HTML for who asks for it', async () => {
  const headers = { accept: '*/*' }
  const reply = (await call('GET', v2('/images/<b>'), { token: a, headers })).expect(404)
  assert.equal(reply.headers.get('content-type'), 'text/html; charset=UTF-8')
  assert.match(reply.text, /<h1>404 Not Found<\/h1>\n {2}No image found with ID (&lt;b&gt;|%3Cb%3E)<br \/>/)
})

test('the port gives bits and a path, to whom may have them', async () => {
  const bytes = randomBytes(2_500_000)
  const id = await activeImage(a, bytes, { visibility: 'private' })
  const { port } = cloud.image
  const [ownA, ownB] = [await cloud.identity.port.validate(a), await cloud.identity.port.validate(b)]
  const chunks: Uint8Array[] = []
  for await (const chunk of await port.download(ownA, id)) chunks.push(chunk)
  assert.ok(bytes.equals(Buffer.concat(chunks)))
  const path = await port.localPath?.('service', id)
  assert.ok(path !== undefined && bytes.equals(readFileSync(path)))
  await assert.rejects(port.get(ownB, id), ImageNotFound.is)
  await assert.rejects(port.download(ownB, id), ImageNotFound.is)
  assert.equal(
    (await port.list(ownB)).some(image => image.id === id),
    false,
  )
  assert.ok((await port.list('service')).some(image => image.id === id))
})

test('an image built in the background: reserved, failed, reserved again, published', async () => {
  const { register, port } = cloud.image
  const id = newUuid()
  const wanted = { id, name: 'cirros', diskFormat: 'qcow2', properties: { os_distro: 'cirros' } }
  assert.equal((await register.reserve(wanted)).status, 'queued')
  await assert.rejects(port.download('service', id), ImageUnavailable.is)
  const failed = await register.fail(id, 'no compiler')
  assert.deepEqual([failed.status, failed.properties.build_failure], ['killed', 'no compiler'])
  assert.equal((await get(b, '/images?name=cirros')).get('images.0.status'), 'killed')
  const again = await register.reserve({ ...wanted, minRamMiB: 64 })
  assert.equal(again.minRamMiB, 64)
  assert.deepEqual([again.status, again.properties], ['queued', { os_distro: 'cirros' }])
  const file = join(folder, 'built.qcow2')
  writeFileSync(file, 'bits')
  const published = await register.publish(id, file)
  assert.deepEqual([published.status, published.sizeBytes], ['active', 4])
  assert.equal((await get(b, `/images/${id}/file`)).text, 'bits')
  assert.deepEqual(await register.reserve(wanted), published)
  assert.equal((await register.fail(id, 'late')).status, 'active')
  assert.deepEqual(await register.publish(id, join(folder, 'none such')), published)
  assert.equal(filesOf(id).length, 1)
  const other = newUuid()
  await register.reserve({ ...wanted, id: other })
  await assert.rejects(register.publish(other, join(folder, 'none such')))
  assert.equal((await port.get('service', other)).status, 'queued')
})

test('what is off here answers as in a Glance where nobody has switched it on', async () => {
  const id = await newImage(a)
  const stores = 'Multi backend is not supported at this site.'
  assert.deepEqual((await get(a, `/images/${id}/tasks`)).expect(200).get(''), { tasks: [] })
  ;(await get(b, `/images/${id}/tasks`)).expect(404)
  for (const path of ['/tasks', `/tasks/${id}`]) {
    assert.equal(
      message((await get(a, path)).expect(403)),
      'You are not authorized to complete tasks_api_access action.',
    )
  }
  const none = (await get(admin, '/tasks')).expect(200).get('')
  assert.deepEqual(none, { tasks: [], first: '/v2/tasks', schema: '/v2/schemas/tasks' })
  assert.equal(message((await get(admin, `/tasks/${id}`)).expect(404)), `No task found with ID ${id}`)
  const noInput = await call('POST', v2('/tasks'), { token: admin, body: { type: 'import' } })
  assert.equal(message(noInput.expect(400)), "Task 'input' is required")
  const asked = await call('POST', v2('/tasks'), { token: admin, body: { type: 'import', input: {} } })
  asked.expect(400)
  ;(await call('DELETE', v2(`/tasks/${id}`), { token: admin })).expect(405)
  for (const path of ['/info/stores', '/info/stores/detail']) {
    assert.equal(message((await get(a, path)).expect(404)), stores)
  }
  assert.equal(message((await call('DELETE', v2(`/stores/one/${id}`), { token: a })).expect(404)), stores)
  assert.deepEqual((await get(a, '/info/usage')).expect(200).get(''), { usage: {} })
  assert.deepEqual((await get(a, '/metadefs/resource_types')).expect(200).get(''), { resource_types: [] })
  ;(await get(a, '/metadefs/namespaces')).expect(200)
  ;(await get(a, '/schemas/task')).expect(200)
})
