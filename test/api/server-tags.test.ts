import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
})
after(() => cloud.close())

const at = (method: string, tag = '', body?: unknown, ask = {}) =>
  cloud.request(method, `/servers/${id}/tags${tag}`, {
    version: '2.26',
    ...ask,
    ...(body === undefined ? {} : { body }),
  })

beforeEach(async () => {
  ;(await at('PUT', '', { tags: ['blue', 'apple'] })).expect(200)
})

test('list, ask for one, add, replace, remove', async () => {
  assert.deepEqual((await at('GET')).expect(200).body, { tags: ['apple', 'blue'] })
  ;(await at('GET', '/blue')).expect(204)
  ;(await at('GET', '/red')).refuses(404, `Server ${id} has no tag 'red'`)
  const made = (await at('PUT', '/red')).expect(201)
  assert.equal(made.headers.get('location'), `${cloud.url}/v2.1/servers/${id}/tags/red`)
  assert.equal((await at('PUT', '/red')).expect(204).headers.get('location'), null)
  ;(await at('DELETE', '/blue')).expect(204)
  ;(await at('DELETE', '/blue')).refuses(404, `Instance ${id} has no tag 'blue'`)
  assert.deepEqual((await cloud.server(id)).tags, ['apple', 'red'])
  assert.deepEqual((await at('PUT', '', { tags: ['z', 'z', 'y'] })).expect(200).body, { tags: ['y', 'z'] })
  ;(await at('DELETE')).expect(204)
  assert.deepEqual((await at('GET')).body, { tags: [] })
})

test('a tag of any script gets an address', async () => {
  const made = (await at('PUT', `/${encodeURIComponent('grün 中')}`)).expect(201)
  assert.equal(made.headers.get('location'), `${cloud.url}/v2.1/servers/${id}/tags/gr%C3%BCn%20%E4%B8%AD`)
  ;(await at('GET', `/${encodeURIComponent('grün 中')}`)).expect(204)
})

test('what is no tag', async () => {
  ;(await at('PUT', '/a,b')).refuses(
    400,
    "Tag 'a,b' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: 'a,b' does not match '^[^,/]*$'",
  )
  ;(await at('PUT', `/${'x'.repeat(61)}`)).refuses(400, /is too long$/)
  ;(await at('PUT', '/ok', { tag: 'ok' })).expect(400)
  ;(await at('PUT', '', { tags: ['a,b'] })).expect(400)
  ;(await at('PUT', '', { tags: [''] })).expect(400)
})

test('fifty at most, also when many come at once', async () => {
  const tags = Array.from({ length: 45 }, (_, i) => `t${i}`)
  ;(await at('PUT', '', { tags })).expect(200)
  const more = await Promise.all(Array.from({ length: 12 }, (_, i) => at('PUT', `/u${i}`)))
  assert.equal(more.filter(a => a.status === 201).length, 5)
  for (const answer of more.filter(a => a.status !== 201))
    answer.refuses(400, 'The number of tags exceeded the per-server limit 50')
    // A full server refuses even a tag that it has.
  ;(await at('PUT', '/t0')).refuses(400, 'The number of tags exceeded the per-server limit 50')
  ;(await at('PUT', '', { tags: [...tags, ...tags.map(t => `x${t}`)] })).expect(400)
})

test('states refuse, locks do not', async () => {
  const act = async (body: unknown) =>
    (await cloud.request('POST', `/servers/${id}/action`, { as: cloud.admin, body })).expect(202)
  await act({ lock: null })
  ;(await at('PUT', '/locked')).expect(201)
  await act({ unlock: null })
  await act({ 'os-resetState': { state: 'error' } })
  const words = (what: string) => `Cannot '${what}' instance ${id} while it is in vm_state error`
  ;(await at('PUT', '/x')).refuses(409, words('update tag'))
  ;(await at('PUT', '', { tags: [] })).refuses(409, words('update tags'))
  ;(await at('DELETE', '/x')).refuses(409, words('delete tag'))
  ;(await at('DELETE')).refuses(409, words('delete tags'))
  ;(await at('GET')).expect(200)
  await act({ 'os-resetState': { state: 'active' } })
})

test('since 2.26; strangers are refused by policy; unknown servers have no cell', async () => {
  ;(await at('GET', '', undefined, { version: '2.25' })).expect(404)
  ;(await at('GET', '', undefined, { as: cloud.reader })).expect(200)
  ;(await at('PUT', '/x', undefined, { as: cloud.reader })).expect(403)
  ;(await at('GET', '', undefined, { as: cloud.stranger })).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-server-tags:index to be performed.",
  )
  const nobody = newUuid()
  const answer = await cloud.request('GET', `/servers/${nobody}/tags`, { version: '2.26' })
  answer.refuses(404, `Instance ${nobody} has no mapping to a cell.`)
})
