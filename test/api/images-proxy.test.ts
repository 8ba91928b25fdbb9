import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import type { Image } from '#cloud'
import type { Json } from './answer.ts'
import { type ApiCloud, glanceAddress, startCloud } from './harness.ts'

let cloud: ApiCloud
let own: Image
const serverId = newUuid()
const version = '2.35'

before(async () => {
  cloud = await startCloud({ quotas: { metadata_items: 5 } })
  const caller = await cloud.deps.identity.validate(cloud.member.token)
  own = await cloud.deps.images.create(caller, {
    name: 'a snapshot',
    visibility: 'private',
    diskFormat: null,
    containerFormat: null,
    minDiskGiB: 2,
    minRamMiB: 64,
    properties: { instance_uuid: serverId, image_type: 'snapshot', auto_disk_config: 'True' },
  })
})
after(() => cloud.close())

const get = (path: string, ask = {}) => cloud.request('GET', `/images${path}`, { version, ...ask })
const names = async (query: string): Promise<string[]> =>
  (await get(query)).expect(200).body.images.map((image: Json) => image.name)

const linksOf = (id: string) => [
  { rel: 'self', href: `${cloud.url}/v2.1/images/${id}` },
  { rel: 'bookmark', href: `${cloud.url}/images/${id}` },
  { rel: 'alternate', type: 'application/vnd.openstack.image', href: `${glanceAddress}/images/${id}` },
]

test('an image in the old shape, with its server, its progress and its size', async () => {
  const { image } = (await get(`/${own.id}`)).expect(200).body
  const { created, updated, ...rest } = image
  assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.match(updated, /Z$/)
  assert.deepEqual(rest, {
    id: own.id,
    name: 'a snapshot',
    minRam: 64,
    minDisk: 2,
    metadata: { instance_uuid: serverId, image_type: 'snapshot', auto_disk_config: 'True' },
    status: 'SAVING',
    progress: 25,
    'OS-EXT-IMG-SIZE:size': 0,
    links: linksOf(own.id),
    server: {
      id: serverId,
      links: [
        { rel: 'self', href: `${cloud.url}/v2.1/servers/${serverId}` },
        { rel: 'bookmark', href: `${cloud.url}/servers/${serverId}` },
      ],
    },
    'OS-DCF:diskConfig': 'AUTO',
  })
  const ready = (await get(`/${cloud.imageId}`)).expect(200).body.image
  assert.deepEqual(
    [ready.status, ready.progress, ready['OS-EXT-IMG-SIZE:size'], ready.server],
    ['ACTIVE', 100, 4096, undefined],
  )
})

test('lists: newest first, filtered by every filter of the old API', async () => {
  const all = (await get('')).expect(200).body
  assert.deepEqual(all.images[0], { id: own.id, name: 'a snapshot', links: linksOf(own.id) })
  assert.deepEqual(await names(''), ['a snapshot', 'empty'])
  assert.deepEqual(await names('?status=ACTIVE'), ['empty'])
  assert.deepEqual(await names('?status=queued&name=a%20snapshot'), ['a snapshot'])
  assert.deepEqual(await names(`?server=${serverId}`), ['a snapshot'])
  assert.deepEqual(await names(`?server=http://host/v2.1/servers/${serverId}`), ['a snapshot'])
  assert.deepEqual(await names('?type=snapshot'), ['a snapshot'])
  assert.deepEqual(await names('?property-os_distro=debian'), ['empty'])
  assert.deepEqual(await names('?minRam=64&minDisk=2'), ['a snapshot'])
  assert.deepEqual(await names('?changes-since=2999-01-01T00:00:00Z'), [])
  assert.deepEqual(await names('?nonsense=1'), ['a snapshot', 'empty'])
  const details = (await get('/detail?type=snapshot')).expect(200).body.images
  assert.equal(details[0].server.id, serverId)
})

test("pages, with Nova's idea of limits", async () => {
  const first = (await get('/detail?limit=1')).expect(200).body
  assert.equal(first.images.length, 1)
  assert.equal(first.images_links[0].href, `${cloud.url}/v2.1/images/detail?limit=1&marker=${own.id}`)
  assert.deepEqual(await names(`?limit=1&marker=${own.id}`), ['empty'])
  for (const query of ['limit=-1', 'limit=0', 'limit=x', 'page_size=0', 'offset=x'])
    (await get(`?${query}`)).expect(400)
  ;(await get(`?marker=${newUuid()}`)).refuses(400, /^HTTP 400 Bad Request: /)
  ;(await get('?changes-since=yesterday')).refuses(400, /^HTTP 400 Bad Request: /)
})

test('others do not see it; what one sees one may not delete', async () => {
  ;(await get(`/${own.id}`, { as: cloud.stranger })).refuses(404, 'Image not found.')
  ;(await get('/nonsense')).refuses(404, 'Image not found.')
  const remove = (id: string, as = cloud.stranger) => cloud.request('DELETE', `/images/${id}`, { version, as })
  ;(await remove(own.id)).refuses(404, 'Image not found.')
  ;(await remove(cloud.imageId)).refuses(403, 'You are not allowed to delete the image.')
})

test('the proxies end with 2.36, those of metadata with 2.39', async () => {
  for (const path of ['', '/detail', `/${own.id}`]) (await get(path, { version: '2.36' })).expect(404)
  ;(await cloud.request('DELETE', `/images/${own.id}`, { version: '2.36' })).expect(404)
  ;(await get(`/${own.id}/metadata`, { version: '2.38' })).expect(200)
  ;(await get(`/${own.id}/metadata`, { version: '2.39' })).expect(404)
  ;(await cloud.request('GET', '/v2/images')).expect(200)
})

const metadata = (method: string, key = '', body?: unknown, ask = {}) =>
  cloud.request(method, `/images/${own.id}/metadata${key}`, {
    version: '2.38',
    ...(body === undefined ? {} : { body }),
    ...ask,
  })

test('metadata: list, add, replace, and one by one', async () => {
  assert.deepEqual((await metadata('PUT', '', { metadata: { a: '1', b: '2' } })).expect(200).body, {
    metadata: { a: '1', b: '2' },
  })
  assert.deepEqual((await metadata('POST', '', { metadata: { b: '3', c: '' } })).expect(200).body.metadata, {
    a: '1',
    b: '3',
    c: '',
  })
  assert.deepEqual((await metadata('GET', '/b')).expect(200).body, { meta: { b: '3' } })
  assert.deepEqual((await metadata('PUT', '/b', { meta: { b: '4' } })).expect(200).body, { meta: { b: '4' } })
  ;(await metadata('DELETE', '/a')).expect(204)
  assert.deepEqual((await metadata('GET')).expect(200).body, { metadata: { b: '4', c: '' } })
  assert.deepEqual((await cloud.deps.images.get('service', own.id)).properties, { b: '4', c: '' })
})

test('metadata: what is not there, what does not fit, who may not', async () => {
  ;(await metadata('GET', '/zero')).refuses(404, 'The resource could not be found.')
  ;(await metadata('DELETE', '/zero')).refuses(404, 'Invalid metadata key')
  ;(await metadata('PUT', '/zero', { meta: { other: '1' } })).refuses(400, 'Request body and URI mismatch')
  ;(await metadata('PUT', '/zero', { meta: { zero: '1', other: '1' } })).expect(400)
  ;(await metadata('POST', '', { metadata: { a: 1 } })).expect(400)
  const many = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`k${i}`, 'v']))
  for (const method of ['POST', 'PUT']) {
    ;(await metadata(method, '', { metadata: many })).refuses(403, 'Image metadata limit exceeded')
  }
  const elsewhere = `/images/${newUuid()}/metadata`
  ;(await cloud.request('GET', elsewhere)).refuses(404, 'Image not found.')
  ;(await metadata('GET', '', undefined, { as: cloud.stranger })).refuses(404, 'Image not found.')
  const others = await cloud.request('POST', `/images/${cloud.imageId}/metadata`, {
    version,
    body: { metadata: { a: 'b' } },
  })
  others.refuses(403, `Not authorized for image ${cloud.imageId}.`)
  ;(await metadata('POST', '', { metadata: { status: 'active' } })).refuses(403, `Not authorized for image ${own.id}.`)
})

test('deleted', async () => {
  ;(await cloud.request('DELETE', `/images/${own.id}`, { version })).expect(204)
  ;(await cloud.request('DELETE', `/images/${own.id}`, { version })).refuses(404, 'Image not found.')
})
