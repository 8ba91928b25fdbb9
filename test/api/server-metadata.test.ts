import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud({ quotas: { metadata_items: 60 } })
  id = await cloud.bootServer()
})
after(() => cloud.close())

const at = (method: string, key = '', body?: unknown, ask = {}) =>
  cloud.request(method, `/servers/${id}/metadata${key}`, { ...ask, ...(body === undefined ? {} : { body }) })
const all = async () => (await at('GET')).expect(200).body.metadata

beforeEach(async () => {
  ;(await at('PUT', '', { metadata: { a: '1', b: '2' } })).expect(200)
})

test('list, add, replace, and one by one', async () => {
  assert.deepEqual((await at('POST', '', { metadata: { b: '3', c: '4' } })).expect(200).body, {
    metadata: { a: '1', b: '3', c: '4' },
  })
  assert.deepEqual((await at('GET', '/b')).expect(200).body, { meta: { b: '3' } })
  assert.deepEqual((await at('PUT', '/b', { meta: { b: '5' } })).expect(200).body, { meta: { b: '5' } })
  ;(await at('DELETE', '/a')).expect(204)
  assert.deepEqual(await all(), { b: '5', c: '4' })
  assert.deepEqual((await cloud.server(id)).metadata, { b: '5', c: '4' })
  assert.deepEqual((await at('PUT', '', { metadata: {} })).expect(200).body, { metadata: {} })
})

test('what is not there, and what does not fit', async () => {
  for (const key of ['/z', '/constructor']) (await at('GET', key)).refuses(404, 'Metadata item was not found')
  ;(await at('DELETE', '/z')).refuses(404, 'Metadata item was not found')
  ;(await at('PUT', '/z', { meta: { y: '1' } })).refuses(400, 'Request body and URI mismatch')
  ;(await at('PUT', '/z', { meta: { z: '1', y: '1' } })).refuses(400, /too many properties/)
  ;(await at('POST', '', { metadata: { 'a/b': '1' } })).expect(400)
  ;(await at('POST', '', { metadata: { a: 1 } })).expect(400)
  ;(await at('POST', '', { metadata: { a: 'x'.repeat(256) } })).expect(400)
  ;(await at('POST', '', {})).expect(400)
  const elsewhere = await cloud.request('GET', `/servers/${cloud.imageId}/metadata`)
  elsewhere.refuses(404, `Instance ${cloud.imageId} could not be found.`)
})

test('a key may be any word, even one that JavaScript knows', async () => {
  const body = '{"metadata": {"__proto__": "x", "toString": "y"}}'
  assert.deepEqual(
    (await at('PUT', '', body)).expect(200).text,
    '{"metadata": {"__proto__": "x", "toString": "y"}}'.replaceAll(': ', ':').replaceAll(', ', ','),
  )
})

test('the quota counts what would be there', async () => {
  const metadata = Object.fromEntries(Array.from({ length: 59 }, (_, i) => [`k${i}`, 'v']))
  ;(await at('POST', '', { metadata })).refuses(403, 'Maximum number of metadata items exceeds 60')
  ;(await at('PUT', '', { metadata })).expect(200)
})

test('writers at once do not lose what others wrote', async () => {
  const keys = Array.from({ length: 25 }, (_, i) => `key-${i}`)
  await Promise.all(keys.map(async key => (await at('PUT', `/${key}`, { meta: { [key]: 'x' } })).expect(200)))
  assert.deepEqual(Object.keys(await all()).sort(), ['a', 'b', ...keys].sort())
})

test('a lock and a state refuse writing, an administrator passes the lock', async () => {
  const act = async (body: unknown) =>
    (await cloud.request('POST', `/servers/${id}/action`, { as: cloud.admin, body })).expect(202)
  await act({ lock: null })
  ;(await at('POST', '', { metadata: { c: '1' } })).refuses(409, `Instance ${id} is locked`)
  ;(await at('DELETE', '/a')).refuses(409, `Instance ${id} is locked`)
  ;(await at('POST', '', { metadata: { c: '1' } }, { as: cloud.admin })).expect(200)
  await act({ unlock: null })
  await act({ 'os-resetState': { state: 'error' } })
  const words = (what: string) => `Cannot '${what} metadata' instance ${id} while it is in vm_state error`
  ;(await at('PUT', '/a', { meta: { a: '1' } })).refuses(409, words('update'))
  ;(await at('DELETE', '/a')).refuses(409, words('delete'))
  await act({ 'os-resetState': { state: 'active' } })
})

test('readers read, strangers do not know the server; unknown query keys from 2.102', async () => {
  ;(await at('GET', '', undefined, { as: cloud.reader })).expect(200)
  ;(await at('POST', '', { metadata: { c: '1' } }, { as: cloud.reader })).refuses(
    403,
    "Policy doesn't allow os_compute_api:server-metadata:create to be performed.",
  )
  ;(await at('GET', '', undefined, { as: cloud.stranger })).expect(404)
  ;(await at('GET', '?x=1', undefined, { version: '2.101' })).expect(200)
  ;(await at('GET', '?x=1', undefined, { version: '2.102' })).expect(400)
})
