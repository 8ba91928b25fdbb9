import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type Service, startService } from './http.ts'

let service: Service
before(async () => {
  service = await startService()
})
after(() => service.remove())

interface ProviderBody {
  readonly uuid: string
  readonly name: string
  readonly generation: number
  readonly links: readonly { rel: string; href: string }[]
  readonly parent_provider_uuid?: string | null
  readonly root_provider_uuid?: string
}

const at = (id: string, rest = '') => `/resource_providers/${id}${rest}`

async function aProvider(parent?: string): Promise<string> {
  const uuid = newUuid()
  const body = { name: `rp-${uuid}`, uuid, ...(parent === undefined ? {} : { parent_provider_uuid: parent }) }
  assert.equal((await service.api(39).post('/resource_providers', body)).status, 200)
  return uuid
}

const generationOf = async (id: string) => ((await service.api(39).get(at(id))).body as ProviderBody).generation

const inventory = { total: 8, reserved: 0, min_unit: 1, max_unit: 2147483647, step_size: 1, allocation_ratio: 1 }

test('a new provider: empty 201 until 1.19, the provider itself from 1.20', async () => {
  const old = await service.api(19).post('/resource_providers', { name: 'old' })
  assert.deepEqual([old.status, old.body], [201, undefined])
  assert.match(old.headers.get('location') ?? '', /^http:\/\/127\.0\.0\.1:\d+\/resource_providers\/[0-9a-f-]{36}$/)
  const now = await service.api(20).post('/resource_providers', { name: 'now' })
  assert.equal(now.status, 200)
  const body = now.body as ProviderBody
  assert.deepEqual([body.name, body.generation, body.root_provider_uuid], ['now', 0, body.uuid])
  assert.equal(now.headers.get('location'), `${service.base}${at(body.uuid)}`)
})

test('an id without dashes is stored with them', async () => {
  const uuid = newUuid()
  const { body } = await service.api(20).post('/resource_providers', { name: uuid, uuid: uuid.replaceAll('-', '') })
  assert.equal((body as ProviderBody).uuid, uuid)
})

test('duplicate names and ids are 409 with their code', async () => {
  const uuid = newUuid()
  await service.api(39).post('/resource_providers', { name: `x${uuid}`, uuid })
  for (const [body, what] of [
    [{ name: `x${uuid}` }, `name: x${uuid}`],
    [{ name: `y${uuid}`, uuid }, `uuid: ${uuid}`],
  ] as const) {
    const answer = await service.api(39).post('/resource_providers', body)
    assert.deepEqual([answer.status, answer.code], [409, 'placement.duplicate_name'])
    assert.match(answer.detail, new RegExp(`Conflicting resource provider ${what} already exists`))
  }
})

test('links grow with the versions', async () => {
  const id = await aProvider()
  const rels = async (minor: number) =>
    ((await service.api(minor).get(at(id))).body as ProviderBody).links.map(l => l.rel)
  assert.deepEqual(await rels(0), ['self', 'inventories', 'usages'])
  assert.deepEqual(await rels(1), ['self', 'inventories', 'usages', 'aggregates'])
  assert.deepEqual(await rels(6), ['self', 'inventories', 'usages', 'aggregates', 'traits'])
  assert.deepEqual(await rels(11), ['self', 'inventories', 'usages', 'aggregates', 'traits', 'allocations'])
})

test('parent and root are there from 1.14; before, a parent is an unknown key', async () => {
  const root = await aProvider()
  const child = await aProvider(root)
  const shown = async (minor: number) => {
    const { parent_provider_uuid: parent, root_provider_uuid: top } = (await service.api(minor).get(at(child)))
      .body as ProviderBody
    return [parent, top]
  }
  assert.deepEqual(await shown(13), [undefined, undefined])
  assert.deepEqual(await shown(14), [root, root])
  assert.equal(
    (await service.api(13).post('/resource_providers', { name: 'z', parent_provider_uuid: root })).status,
    400,
  )
  const lost = await service.api(14).post('/resource_providers', { name: 'z', parent_provider_uuid: newUuid() })
  assert.equal(lost.status, 400)
  assert.match(lost.detail, /parent provider UUID does not exist/)
})

test('a provider may get a parent; moving on or out needs 1.37; loops never', async () => {
  const [a, b, child, grandchild] = [await aProvider(), await aProvider(), await aProvider(), await aProvider()]
  const move = (minor: number, id: string, parent: string | null) =>
    service.api(minor).put(at(id), { name: `rp-${id}`, parent_provider_uuid: parent })
  assert.equal((await move(14, child, a)).status, 200)
  assert.equal((await move(14, grandchild, child)).status, 200)
  assert.match((await move(36, child, b)).detail, /re-parenting a provider is not currently allowed/)
  assert.match((await move(36, child, null)).detail, /un-parenting a provider is not currently allowed/)
  assert.match((await move(37, child, grandchild)).detail, /creating loop in the provider tree is not allowed/)
  assert.equal((await move(37, child, b)).status, 200)
  const inTree = async (id: string) => {
    const { body } = await service.api(39).get(`/resource_providers?in_tree=${id}`)
    return (body as { resource_providers: ProviderBody[] }).resource_providers.map(p => [p.uuid, p.root_provider_uuid])
  }
  assert.deepEqual(await inTree(a), [[a, a]])
  assert.deepEqual(new Set((await inTree(b)).map(String)), new Set([b, child, grandchild].map(id => `${id},${b}`)))
  assert.equal((await move(37, child, null)).status, 200)
  assert.deepEqual(new Set((await inTree(child)).map(String)), new Set([child, grandchild].map(id => `${id},${child}`)))
})

test('a parent and a provider with allocations cannot be deleted', async () => {
  const root = await aProvider()
  await aProvider(root)
  const parent = await service.api(39).delete(at(root))
  assert.deepEqual([parent.status, parent.code], [409, 'placement.resource_provider.cannot_delete_parent'])
  const busy = await aProvider()
  await service.port.setInventories(busy, {
    VCPU: { total: 1, reserved: 0, minUnit: 1, maxUnit: 1, stepSize: 1, allocationRatio: 1 },
  })
  const consumerId = newUuid()
  await service.port.claim({
    consumerId,
    allocations: { [busy]: { VCPU: 1 } },
    projectId: 'p',
    userId: 'u',
    consumerType: 'INSTANCE',
  })
  const held = await service.api(39).delete(at(busy))
  assert.deepEqual([held.status, held.code], [409, 'placement.resource_provider.inuse'])
  await service.port.release(consumerId)
  assert.equal((await service.api(39).delete(at(busy))).status, 204)
  assert.equal((await service.api(39).delete(at(busy))).status, 404)
})

test('inventories: defaults filled in, generation checked and moved', async () => {
  const id = await aProvider()
  const put = (generation: number, inventories: object) =>
    service.api(39).put(at(id, '/inventories'), { resource_provider_generation: generation, inventories })
  const done = await put(0, { VCPU: { total: 8 } })
  assert.deepEqual(
    [done.status, done.body],
    [200, { resource_provider_generation: 1, inventories: { VCPU: inventory } }],
  )
  const stale = await put(0, { VCPU: { total: 9 } })
  assert.deepEqual([stale.status, stale.code], [409, 'placement.concurrent_update'])
  assert.match((await put(1, { CUSTOM_NOBODY: { total: 1 } })).detail, /Unknown resource class in inventory/)
  assert.equal((await put(1, { VCPU: { total: 0 } })).status, 400)
  assert.equal((await put(1, { VCPU: { total: 1, colour: 1 } })).status, 400)
  assert.equal(await generationOf(id), 1)
})

test('all may be reserved from 1.26 on, never more', async () => {
  const id = await aProvider()
  const put = async (minor: number, reserved: number) => {
    const body = { resource_provider_generation: await generationOf(id), inventories: { VCPU: { total: 4, reserved } } }
    return (await service.api(minor).put(at(id, '/inventories'), body)).status
  }
  assert.deepEqual([await put(25, 3), await put(25, 4), await put(26, 4), await put(26, 5)], [200, 400, 200, 400])
})

test('one inventory: added, changed, shown, deleted', async () => {
  const id = await aProvider()
  const { api } = service
  const added = await api(39).post(at(id, '/inventories'), { resource_class: 'VCPU', total: 8 })
  assert.deepEqual([added.status, added.body], [201, { ...inventory, resource_provider_generation: 1 }])
  assert.equal(added.headers.get('location'), `${service.base}${at(id, '/inventories/VCPU')}`)
  assert.equal((await api(39).post(at(id, '/inventories'), { resource_class: 'VCPU', total: 8 })).status, 409)
  const changed = await api(39).put(at(id, '/inventories/VCPU'), { total: 9, resource_provider_generation: 1 })
  assert.deepEqual([changed.status, (changed.body as { total: number }).total], [200, 9])
  assert.equal(
    (await api(39).put(at(id, '/inventories/DISK_GB'), { total: 9, resource_provider_generation: 2 })).status,
    400,
  )
  assert.equal((await api(39).get(at(id, '/inventories/DISK_GB'))).status, 404)
  assert.equal((await api(39).delete(at(id, '/inventories/VCPU'))).status, 204)
  assert.equal((await api(39).delete(at(id, '/inventories/VCPU'))).status, 404)
  assert.equal((await api(5).delete(at(id, '/inventories'))).status, 204)
})

test('aggregates: a bare list without generation until 1.18, both from 1.19', async () => {
  const id = await aProvider()
  const [one, two] = [newUuid(), newUuid()]
  const old = await service.api(18).put(at(id, '/aggregates'), [one])
  assert.deepEqual([old.status, old.body, await generationOf(id)], [200, { aggregates: [one] }, 0])
  const body = { aggregates: [two], resource_provider_generation: 0 }
  assert.equal((await service.api(18).put(at(id, '/aggregates'), body)).status, 400)
  const now = await service.api(19).put(at(id, '/aggregates'), body)
  assert.deepEqual([now.status, now.body], [200, { aggregates: [two], resource_provider_generation: 1 }])
  const stale = await service.api(39).put(at(id, '/aggregates'), body)
  assert.deepEqual([stale.status, stale.code], [409, 'placement.concurrent_update'])
  assert.equal((await service.api(39).put(at(id, '/aggregates'), { ...body, aggregates: ['x'] })).status, 400)
  const found = await service.api(3).get(`/resource_providers?member_of=in:${one},${two}`)
  assert.deepEqual(
    (found.body as { resource_providers: ProviderBody[] }).resource_providers.map(p => p.uuid),
    [id],
  )
})

test('traits of a provider: set whole, unknown ones refused, generation only moves when something changes', async () => {
  const id = await aProvider()
  const put = (traits: string[], generation: number) =>
    service.api(39).put(at(id, '/traits'), { traits, resource_provider_generation: generation })
  assert.deepEqual((await put(['COMPUTE_NODE'], 0)).body, { traits: ['COMPUTE_NODE'], resource_provider_generation: 1 })
  assert.deepEqual((await put(['COMPUTE_NODE'], 1)).body, { traits: ['COMPUTE_NODE'], resource_provider_generation: 1 })
  assert.match((await put(['HW_NOPE'], 1)).detail, /No such trait HW_NOPE/)
  assert.equal((await put([], 0)).code, 'placement.concurrent_update')
  assert.equal((await service.api(39).delete(at(id, '/traits'))).status, 204)
  assert.deepEqual((await service.api(39).get(at(id, '/traits'))).body, { traits: [], resource_provider_generation: 2 })
})

test('traits: 377 standard ones, custom ones come and go, used ones stay', async () => {
  const { api } = service
  const names = async (query: string) => ((await api(39).get(`/traits${query}`)).body as { traits: string[] }).traits
  assert.equal((await names('')).filter(name => !name.startsWith('CUSTOM_')).length, 377)
  const made = await api(39).put('/traits/CUSTOM_COMES')
  assert.deepEqual([made.status, made.headers.get('location')], [201, `${service.base}/traits/CUSTOM_COMES`])
  assert.equal((await api(39).put('/traits/CUSTOM_COMES')).status, 204)
  assert.equal((await api(39).get('/traits/CUSTOM_COMES')).status, 204)
  assert.deepEqual(await names('?name=startswith:CUSTOM_COM'), ['CUSTOM_COMES'])
  assert.deepEqual(await names('?name=in:COMPUTE_NODE,HW_NOPE'), ['COMPUTE_NODE'])
  for (const bad of ['custom_x', 'HW_MINE', `CUSTOM_${'X'.repeat(249)}`])
    assert.equal((await api(39).put(`/traits/${bad}`)).status, 400)
  await service.port.setTraits(await aProvider(), ['CUSTOM_COMES'])
  assert.ok((await names('?associated=true')).includes('CUSTOM_COMES'))
  assert.match((await api(39).delete('/traits/CUSTOM_COMES')).detail, /is in use by a resource provider/)
  assert.equal((await api(39).delete('/traits/COMPUTE_NODE')).status, 400)
  assert.equal((await api(39).delete('/traits/CUSTOM_NEVER')).status, 404)
})

test('resource classes: 21 standard ones; PUT renames until 1.6 and creates from 1.7', async () => {
  const { api } = service
  const { body } = await api(2).get('/resource_classes')
  const names = (body as { resource_classes: { name: string }[] }).resource_classes.map(c => c.name)
  assert.deepEqual([names.length, names[0]], [21, 'VCPU'])
  assert.equal((await api(2).post('/resource_classes', { name: 'CUSTOM_ONE' })).status, 201)
  assert.equal((await api(2).post('/resource_classes', { name: 'CUSTOM_ONE' })).status, 409)
  assert.equal((await api(2).post('/resource_classes', { name: 'ONE' })).status, 400)
  const id = await aProvider()
  assert.equal((await api(39).post(at(id, '/inventories'), { resource_class: 'CUSTOM_ONE', total: 1 })).status, 201)
  assert.equal((await api(6).put('/resource_classes/CUSTOM_ONE', { name: 'CUSTOM_TWO' })).status, 200)
  assert.deepEqual(
    Object.keys(((await api(39).get(at(id, '/inventories'))).body as { inventories: object }).inventories),
    ['CUSTOM_TWO'],
  )
  assert.deepEqual(
    [
      (await api(7).put('/resource_classes/CUSTOM_ONE')).status,
      (await api(7).put('/resource_classes/CUSTOM_ONE')).status,
    ],
    [201, 204],
  )
  assert.match((await api(7).delete('/resource_classes/CUSTOM_TWO')).detail, /Class is in use in inventory/)
  assert.equal((await api(7).delete('/resource_classes/CUSTOM_ONE')).status, 204)
  assert.equal((await api(7).delete('/resource_classes/VCPU')).status, 400)
  assert.equal((await api(7).get('/resource_classes/CUSTOM_ONE')).status, 404)
})

test('filters of the list come one by one: resources 1.4, required 1.18, forbidden 1.22, repeated 1.24, excluded 1.32, any 1.39', async () => {
  const id = await aProvider()
  await service.port.setInventories(id, {
    PGPU: { total: 3, reserved: 0, minUnit: 1, maxUnit: 3, stepSize: 1, allocationRatio: 1 },
  })
  await service.port.setTraits(id, ['HW_GPU_API_VULKAN'])
  const aggregate = newUuid()
  await service.port.setAggregates(id, [aggregate])
  const found = async (minor: number, query: string) => {
    const { status, body } = await service.api(minor).get(`/resource_providers?resources=PGPU:2&${query}`)
    return status === 200
      ? (body as { resource_providers: ProviderBody[] }).resource_providers.map(p => p.uuid).includes(id)
      : status
  }
  assert.deepEqual([await found(3, ''), await found(4, '')], [400, true])
  assert.deepEqual(
    [await found(17, 'required=HW_GPU_API_VULKAN'), await found(18, 'required=HW_GPU_API_VULKAN')],
    [400, true],
  )
  assert.deepEqual([await found(21, 'required=!COMPUTE_NODE'), await found(22, 'required=!COMPUTE_NODE')], [400, true])
  const twice = `member_of=${aggregate}&member_of=in:${aggregate},${newUuid()}`
  assert.deepEqual([await found(23, twice), await found(24, twice)], [400, true])
  assert.deepEqual(
    [await found(31, `member_of=!${aggregate}`), await found(32, `member_of=!${aggregate}`)],
    [400, false],
  )
  const any = 'required=in:COMPUTE_NODE,HW_GPU_API_VULKAN'
  assert.deepEqual([await found(38, any), await found(39, any)], [400, true])
  assert.equal(await found(39, 'required=HW_NOPE'), 400)
})
