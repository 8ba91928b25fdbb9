import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { newUuid } from '#base'
import { anInventory } from './fixtures.ts'
import { type Service, startService } from './http.ts'

let service: Service
let host: string
let consumer: string
before(async () => {
  service = await startService()
})
after(() => service.remove())
beforeEach(async () => {
  host = newUuid()
  consumer = newUuid()
  await service.port.ensureProvider({ id: host, name: host })
  await service.port.setInventories(host, { VCPU: anInventory(10), MEMORY_MB: anInventory(1000, { stepSize: 10 }) })
})

const owner = { project_id: 'project', user_id: 'user' }
const holding = (vcpus: number, id = host) => ({ allocations: { [id]: { resources: { VCPU: vcpus } } } })
const put = (minor: number, body: object) => service.api(minor).put(`/allocations/${consumer}`, body)
const get = async (minor: number, id = consumer) =>
  (await service.api(minor).get(`/allocations/${id}`)).body as Record<string, unknown>
const usages = async () => (await service.port.usages(host))['VCPU']

test('the forms of PUT: a list, with owner from 1.8, a dictionary from 1.12', async () => {
  const list = { allocations: [{ resource_provider: { uuid: host }, resources: { VCPU: 1 } }] }
  const ok = async (minor: number, body: object) => (await put(minor, body)).status === 204
  assert.deepEqual([await ok(0, list), await ok(7, { ...list, ...owner }), await ok(8, list)], [true, false, false])
  assert.deepEqual([await ok(8, { ...list, ...owner }), await ok(12, { ...list, ...owner })], [true, false])
  assert.deepEqual(
    [await ok(11, { ...holding(2), ...owner }), await ok(12, { ...holding(2), ...owner })],
    [false, true],
  )
  assert.equal(await usages(), 2)
})

test('what GET shows grows: owner 1.12, generation 1.28, type 1.38; nothing is an empty dictionary', async () => {
  assert.deepEqual(await get(39), { allocations: {} })
  await put(12, { ...holding(2), ...owner })
  const allocations = { [host]: { generation: 2, resources: { VCPU: 2 } } }
  assert.deepEqual(await get(11), { allocations })
  assert.deepEqual(await get(12), { allocations, ...owner })
  assert.deepEqual(await get(28), { allocations, ...owner, consumer_generation: 1 })
  assert.deepEqual(await get(38), { allocations, ...owner, consumer_generation: 1, consumer_type: 'unknown' })
  await put(38, { ...holding(2), ...owner, consumer_generation: 1, consumer_type: 'INSTANCE' })
  assert.equal((await get(38))['consumer_type'], 'INSTANCE')
})

test('from 1.28 the consumer’s generation must be the one last seen, null for a new one', async () => {
  const write = async (generation: number | null, vcpus = 1) => {
    const answer = await put(28, { ...holding(vcpus), ...owner, consumer_generation: generation })
    if (answer.status !== 204) assert.match(answer.detail, /consumer generation conflict/)
    return answer.status === 204 ? 204 : `${answer.status} ${answer.code}`
  }
  assert.equal((await put(28, { ...holding(1), ...owner })).status, 400)
  const conflict = '409 placement.concurrent_update'
  assert.deepEqual(
    [await write(1), await write(null), await write(null), await write(1, 3), await write(1)],
    [conflict, 204, conflict, 204, conflict],
  )
  assert.equal(await usages(), 3)
})

test('an empty dictionary lets go from 1.28 on', async () => {
  await put(12, { ...holding(2), ...owner })
  assert.equal((await put(27, { allocations: {}, ...owner })).status, 400)
  assert.equal((await put(28, { allocations: {}, ...owner, consumer_generation: 1 })).status, 204)
  assert.deepEqual([await get(39), await usages()], [{ allocations: {} }, 0])
})

test('mappings may be echoed from 1.34 and are ignored', async () => {
  const body = { ...holding(1), ...owner, consumer_generation: null, mappings: { '': [host] } }
  assert.deepEqual([(await put(33, body)).status, (await put(34, body)).status], [400, 204])
})

test('amounts must fit: capacity and units say so with numbers, unknown things are 400', async () => {
  const refused = await put(12, { ...holding(11), ...owner })
  assert.equal(refused.status, 409)
  assert.match(refused.detail, /The requested amount would exceed the capacity\. VCPU: 11 needed, 10 free of 10/)
  const odd = await put(12, { allocations: { [host]: { resources: { MEMORY_MB: 15 } } }, ...owner })
  assert.equal(odd.status, 409)
  assert.match(odd.detail, /would violate inventory constraints\. MEMORY_MB: 15 needed, only multiples of 10/)
  const none = await put(12, { allocations: { [host]: { resources: { DISK_GB: 1 } } }, ...owner })
  assert.equal(none.status, 409)
  assert.equal((await put(12, { allocations: { [host]: { resources: { CUSTOM_NOPE: 1 } } }, ...owner })).status, 400)
  assert.match((await put(12, { ...holding(1, newUuid()), ...owner })).detail, /that does not exist/)
  assert.deepEqual([await get(39), await usages()], [{ allocations: {} }, 0])
})

test('replacing counts what the consumer had as free', async () => {
  assert.equal((await put(12, { ...holding(8), ...owner })).status, 204)
  assert.equal((await put(12, { ...holding(10), ...owner })).status, 204)
  assert.equal(await usages(), 10)
})

test('POST writes several consumers or none', async () => {
  const [a, b] = [newUuid(), newUuid()]
  const post = (vcpus: number) =>
    service.api(13).post('/allocations', { [a]: { ...holding(vcpus), ...owner }, [b]: { ...holding(4), ...owner } })
  assert.equal((await post(7)).status, 409)
  assert.deepEqual([await get(39, a), await get(39, b)], [{ allocations: {} }, { allocations: {} }])
  assert.equal((await post(6)).status, 204)
  assert.equal(await usages(), 10)
})

test('DELETE lets go once', async () => {
  await put(12, { ...holding(2), ...owner })
  const remove = async () => (await service.api(0).delete(`/allocations/${consumer}`)).status
  assert.deepEqual([await remove(), await remove(), await usages()], [204, 404, 0])
})

test('a provider shows its allocations, with the consumers’ generations from 1.28', async () => {
  await put(12, { ...holding(2), ...owner })
  const shown = async (minor: number) =>
    (await service.api(minor).get(`/resource_providers/${host}/allocations`)).body as unknown
  const resources = { VCPU: 2 }
  assert.deepEqual(await shown(27), { allocations: { [consumer]: { resources } }, resource_provider_generation: 2 })
  assert.deepEqual(await shown(28), {
    allocations: { [consumer]: { resources, consumer_generation: 1 } },
    resource_provider_generation: 2,
  })
})

test('a provider’s usages name every class it has', async () => {
  await put(12, { ...holding(2), ...owner })
  const { body } = await service.api(0).get(`/resource_providers/${host}/usages`)
  assert.deepEqual(body, { resource_provider_generation: 2, usages: { VCPU: 2, MEMORY_MB: 0 } })
})

test('usages of a project: one sum until 1.37, by consumer type from 1.38', async () => {
  const project = newUuid()
  const claim = (consumerType: 'INSTANCE' | 'MIGRATION', vcpus: number, userId: string) =>
    service.port.claim({
      consumerId: newUuid(),
      allocations: { [host]: { VCPU: vcpus, MEMORY_MB: 10 } },
      projectId: project,
      userId,
      consumerType,
    })
  await claim('INSTANCE', 1, 'a')
  await claim('INSTANCE', 2, 'b')
  await claim('MIGRATION', 3, 'a')
  const ask = async (minor: number, query = '') =>
    ((await service.api(minor).get(`/usages?project_id=${project}${query}`)).body as { usages: unknown }).usages
  assert.deepEqual(await ask(37), { VCPU: 6, MEMORY_MB: 30 })
  assert.deepEqual(await ask(37, '&user_id=a'), { VCPU: 4, MEMORY_MB: 20 })
  assert.deepEqual(await ask(38), {
    INSTANCE: { VCPU: 3, MEMORY_MB: 20, consumer_count: 2 },
    MIGRATION: { VCPU: 3, MEMORY_MB: 10, consumer_count: 1 },
  })
  assert.deepEqual(await ask(38, '&consumer_type=all'), { all: { VCPU: 6, MEMORY_MB: 30, consumer_count: 3 } })
  assert.deepEqual(await ask(38, '&consumer_type=MIGRATION&user_id=a'), {
    MIGRATION: { VCPU: 3, MEMORY_MB: 10, consumer_count: 1 },
  })
  assert.deepEqual(await ask(38, '&consumer_type=unknown'), {})
  assert.equal((await service.api(37).get('/usages')).status, 400)
})

test('a reshape moves inventory and allocations to a child at once, or nothing', async () => {
  await put(12, { ...holding(4), ...owner })
  const child = newUuid()
  await service.port.ensureProvider({ id: child, name: child, parentId: host })
  const memory = { MEMORY_MB: { total: 1000 } }
  const reshape = (generation: number, vcpus: number, on = child) =>
    service.api(30).post('/reshaper', {
      inventories: {
        [host]: { resource_provider_generation: generation, inventories: memory },
        [child]: { resource_provider_generation: 0, inventories: { VCPU: { total: 10 } } },
      },
      allocations: { [consumer]: { ...holding(vcpus, on), ...owner, consumer_generation: 1 } },
    })
  assert.equal((await reshape(1, 4)).code, 'placement.concurrent_update')
  assert.equal((await reshape(2, 11)).status, 409)
  const held = await reshape(2, 4, host)
  assert.deepEqual([held.status, held.code], [409, 'placement.inventory.inuse'])
  assert.deepEqual(await service.port.usages(host), { VCPU: 4, MEMORY_MB: 0 })
  assert.equal((await reshape(2, 4)).status, 204)
  assert.deepEqual([await service.port.usages(host), await service.port.usages(child)], [{ MEMORY_MB: 0 }, { VCPU: 4 }])
})

test('one POST changes more consumers than a statement has parameters', async () => {
  await service.port.setInventories(host, { VCPU: anInventory(10_000) })
  const ids = Array.from({ length: 7000 }, () => newUuid())
  const each = { ...owner, consumer_generation: null, consumer_type: 'INSTANCE' }
  const all = Object.fromEntries(ids.map(id => [id, { ...each, ...holding(1) }]))
  assert.equal((await service.api(38).post('/allocations', all)).status, 204)
  assert.equal(await usages(), ids.length)
  const none = Object.fromEntries(ids.map(id => [id, { ...each, allocations: {}, consumer_generation: 1 }]))
  assert.equal((await service.api(38).post('/allocations', none)).status, 204)
  assert.equal(await usages(), 0)
})
