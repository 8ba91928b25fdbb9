import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Ask, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
  const { newFlavor } = cloud
  await newFlavor({ id: '10', name: 'tiny', ram: 64, disk: 0 })
  await newFlavor({ id: '20', name: 'small', ram: 512, disk: 5, swap: 16, 'OS-FLV-EXT-DATA:ephemeral': 2 })
  await newFlavor({ id: '30', name: 'hidden', ram: 1024, disk: 10, 'os-flavor-access:is_public': false })
})
after(() => cloud.close())

const get = (path: string, ask: Ask = {}) => cloud.request('GET', `/flavors${path}`, ask)
const ids = async (query: string, ask: Ask = {}): Promise<string[]> =>
  (await get(query, ask)).expect(200).body.flavors.map((f: { id: string }) => f.id)
const admin = (method: string, path: string, body?: unknown, version = '2.1') =>
  cloud.request(method, `/flavors${path}`, { as: cloud.admin, version, ...(body === undefined ? {} : { body }) })

const first = (
  'OS-FLV-DISABLED:disabled OS-FLV-EXT-DATA:ephemeral disk id links name os-flavor-access:is_public ram rxtx_factor ' +
  'swap vcpus'
).split(' ')

test('a flavor at every cut', async () => {
  const keys = async (version: string) => Object.keys((await get('/20', { version })).expect(200).body.flavor).sort()
  assert.deepEqual(await keys('2.1'), first)
  assert.deepEqual(await keys('2.54'), first)
  assert.deepEqual(await keys('2.55'), [...first, 'description'].sort())
  assert.deepEqual(await keys('2.61'), [...first, 'description', 'extra_specs'].sort())
  const without = ['OS-FLV-DISABLED:disabled', 'rxtx_factor']
  assert.deepEqual(
    await keys('2.102'),
    [...first, 'description', 'extra_specs'].filter(key => !without.includes(key)).sort(),
  )
  const swap = async (version: string) => (await get('/10', { version })).body.flavor.swap
  assert.deepEqual([await swap('2.74'), await swap('2.75')], ['', 0])
})

test('a list shows names, or everything', async () => {
  const [summary] = (await get('?limit=1')).expect(200).body.flavors
  assert.deepEqual(Object.keys(summary).sort(), ['id', 'links', 'name'])
  const [described] = (await get('?limit=1', { version: '2.55' })).expect(200).body.flavors
  assert.deepEqual(Object.keys(described).sort(), ['description', 'id', 'links', 'name'])
  const [detail] = (await get('/detail?limit=1')).expect(200).body.flavors
  assert.deepEqual(Object.keys(detail).sort(), first)
})

test('filters, sorting, pages', async () => {
  const all = ['10', '20', cloud.flavorId].sort()
  assert.deepEqual(await ids(''), all)
  assert.deepEqual(await ids('?minRam=512'), ['20'])
  assert.deepEqual((await ids('?minDisk=1')).sort(), ['20', cloud.flavorId].sort())
  assert.deepEqual(await ids('?sort_key=memory_mb&sort_dir=desc'), ['20', cloud.flavorId, '10'])
  ;(await get('?minRam=x')).refuses(400, 'Invalid minRam filter [x]')
  ;(await get('?sort_key=colour')).expect(400)
  ;(await get('?limit=1&marker=none')).refuses(400, 'marker [none] not found')
  const page = (await get('?limit=1&sort_key=memory_mb')).expect(200).body
  assert.equal(page.flavors_links[0].href, `${cloud.url}/v2.1/flavors?limit=1&sort_key=memory_mb&marker=10`)
  assert.deepEqual(await ids('?limit=1&sort_key=memory_mb&marker=10'), [cloud.flavorId])
  assert.deepEqual(await ids('?name=sm', { version: '2.102' }), ['20'])
  assert.deepEqual(await ids('?name=sm', { version: '2.74' }), all)
  ;(await get('?name=x', { version: '2.101' })).expect(400)
  ;(await get('?sort_key=rxtx_factor', { version: '2.102' })).expect(400)
})

test('private flavors: seen by administrators and by projects with access', async () => {
  const as = cloud.admin
  assert.ok(!(await ids('')).includes('30'))
  assert.deepEqual(await ids('?is_public=false', { as }), ['30'])
  assert.ok((await ids('?is_public=none', { as })).includes('30'))
  assert.ok(!(await ids('?is_public=none')).includes('30'))
  ;(await get('?is_public=maybe', { as })).refuses(400, 'Invalid is_public filter [maybe]')
  const tenant = cloud.member.projectId
  const added = await admin('POST', '/30/action', { addTenantAccess: { tenant } })
  assert.deepEqual(added.expect(200).body, { flavor_access: [{ flavor_id: '30', tenant_id: tenant }] })
  assert.ok((await ids('')).includes('30'))
  ;(await admin('POST', '/30/action', { addTenantAccess: { tenant } })).refuses(
    409,
    `Flavor access already exists for flavor 30 and project ${tenant} combination.`,
  )
  ;(await admin('GET', '/10/os-flavor-access')).refuses(404, 'Access list not available for public flavors.')
  ;(await admin('POST', '/10/action', { addTenantAccess: { tenant } }, '2.7')).refuses(
    409,
    'Can not add access to a public flavor.',
  )
  ;(await admin('POST', '/30/action', { removeTenantAccess: { tenant } })).expect(200)
  ;(await admin('POST', '/30/action', { removeTenantAccess: { tenant } })).refuses(
    404,
    `Flavor access not found for 30 / ${tenant} combination.`,
  )
  ;(await admin('POST', '/30/action', { addTenantAccess: { tenant: 'nobody' } })).refuses(
    400,
    'Project ID nobody is not a valid project.',
  )
})

test('create, describe, delete', async () => {
  const flavor = { name: 'new', id: 'n1', ram: 1, vcpus: 1, disk: 0 }
  const made = (await admin('POST', '', { flavor: { ...flavor, description: 'hm' } }, '2.55')).expect(200).body.flavor
  assert.deepEqual([made.id, made.description, made.rxtx_factor], ['n1', 'hm', 1])
  ;(await admin('POST', '', { flavor })).refuses(409, 'Flavor with ID n1 already exists.')
  ;(await admin('POST', '', { flavor: { ...flavor, name: 'newer' } })).refuses(409, 'Flavor with ID n1 already exists.')
  ;(await admin('POST', '', { flavor: { ...flavor, ram: 0 } })).expect(400)
  ;(await admin('POST', '', { flavor: { ...flavor, description: 'x' } }, '2.54')).expect(400)
  const put = { flavor: { description: null } }
  ;(await admin('PUT', '/n1', put, '2.54')).expect(404)
  assert.equal((await admin('PUT', '/n1', put, '2.55')).expect(200).body.flavor.description, null)
  ;(await cloud.request('POST', '/flavors', { body: { flavor } })).refuses(
    403,
    "Policy doesn't allow os_compute_api:os-flavor-manage:create to be performed.",
  )
  ;(await admin('DELETE', '/n1')).expect(202)
  ;(await admin('DELETE', '/n1')).refuses(404, 'Flavor n1 could not be found.')
  ;(await get('/n1')).refuses(404, 'Flavor n1 could not be found.')
})

test('extra specs', async () => {
  const added = await admin('POST', '/10/os-extra_specs', { extra_specs: { 'hw:mem_page_size': 'any', n: 1 } })
  assert.deepEqual(added.expect(200).body, { extra_specs: { 'hw:mem_page_size': 'any', n: 1 } })
  assert.deepEqual((await get('/10/os-extra_specs')).expect(200).body, {
    extra_specs: { 'hw:mem_page_size': 'any', n: '1' },
  })
  assert.deepEqual((await get('/10/os-extra_specs/n')).expect(200).body, { n: '1' })
  ;(await admin('PUT', '/10/os-extra_specs/n', { m: '2' })).refuses(400, 'Request body and URI mismatch')
  assert.deepEqual((await admin('PUT', '/10/os-extra_specs/n', { n: '2' })).expect(200).body, { n: '2' })
  assert.deepEqual((await get('/10', { version: '2.61' })).body.flavor.extra_specs.n, '2')
  ;(await admin('DELETE', '/10/os-extra_specs/n')).expect(200)
  ;(await get('/10/os-extra_specs/n')).refuses(404, 'Flavor 10 has no extra specs with key n.')
  ;(await get('/10/os-extra_specs/constructor')).expect(404)
  ;(await admin('DELETE', '/10/os-extra_specs/constructor')).expect(404)
  ;(await cloud.request('POST', '/flavors/10/os-extra_specs', { body: { extra_specs: { a: 'b' } } })).expect(403)
})
