/** What a project has in several cells counts together. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createComputeApi, unifiedQuotas } from '#api'
import { newUuid, silentLog } from '#base'
import { Enforcer, novaDefaults } from '#policy'
import { inCells } from '../../src/allinone/compose/compute-api.ts'
import type { TestCells } from './cells.ts'
import { type ApiCloud, type Ask, type Json, newest, startCloud } from './harness.ts'

let cloud: ApiCloud
let cells: TestCells
let inOne: string
let inTwo: string
let groupId: string

const ask = (method: string, path: string, more: Ask = {}) =>
  cloud.request(method, path, { version: newest, as: cloud.admin, ...more })
const at = (host: string, more: Json = {}): Promise<string> =>
  cloud.bootServer({ as: cloud.admin, fields: { networks: 'none', availability_zone: `nova:${host}` }, ...more })
const used = async (): Promise<readonly number[]> => {
  const { absolute } = (await ask('GET', '/limits')).expect(200).body.limits
  const { quota_set: quota } = (await ask('GET', `/os-quota-sets/${cloud.admin.projectId}/detail`)).expect(200).body
  const amounts = [absolute.totalInstancesUsed, absolute.totalCoresUsed, absolute.totalRAMUsed]
  assert.deepEqual([quota.instances.in_use, quota.cores.in_use, quota.ram.in_use], amounts)
  return amounts
}
const body = () => ({
  server: { name: 'more', imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks: 'none' },
})

before(async () => {
  cloud = await startCloud({
    cells: { one: ['host-1', 'host-3'], two: ['host-2'], gone: null },
    quotas: { instances: 4, cores: 6, server_group_members: 3, server_groups: 2 },
  })
  assert.ok(cloud.cells !== undefined)
  cells = cloud.cells
  const group = { name: 'group', policy: 'soft-affinity' }
  groupId = (await ask('POST', '/os-server-groups', { body: { server_group: group } })).expect(200).body.server_group.id
  inOne = await at('host-1', { hints: { group: groupId } })
  inTwo = await at('host-2', { hints: { group: groupId } })
})
after(() => cloud.close())

test('limits and quota sets tell of all cells', async () => {
  assert.deepEqual(await used(), [2, 2, 256])
  const range = await ask('PUT', `/os-quota-sets/${cloud.admin.projectId}`, { body: { quota_set: { instances: 1 } } })
  range.refuses(400, 'Quota limit 1 for instances must be greater than or equal to already used and reserved 2.')
})

test('a resize in a cell counts what there is in the others', async () => {
  const [fits, isTooMuch] = [
    await cloud.newFlavor({ name: 'four', vcpus: 4 }),
    await cloud.newFlavor({ name: 'six', vcpus: 6 }),
  ]
  const resize = (id: string, flavorRef: string) =>
    ask('POST', `/servers/${id}/action`, { body: { resize: { flavorRef } } })
  ;(await resize(inOne, isTooMuch)).refuses(403, 'Quota exceeded for cores: Requested 5, but already used 2 of 6 cores')
  ;(await resize(inOne, fits)).expect(202)
  await cloud.waitForStatus(inOne, 'VERIFY_RESIZE')
  assert.deepEqual(await used(), [2, 5, 256])
  ;(await resize(inTwo, fits)).refuses(403, 'Quota exceeded for cores: Requested 3, but already used 5 of 6 cores')
  ;(await ask('POST', '/servers', { body: { ...body(), server: { ...body().server, flavorRef: fits } } })).expect(403)
  ;(await ask('POST', `/servers/${inOne}/action`, { body: { revertResize: null } })).expect(202)
  await cloud.waitForStatus(inOne, 'ACTIVE')
  assert.deepEqual(await used(), [2, 2, 256])
})

test('however many ask at once, and wherever their servers go', async () => {
  const answers = await Promise.all(Array.from({ length: 9 }, () => ask('POST', '/servers', { body: body() })))
  const made = answers.filter(answer => answer.status === 202)
  assert.equal(made.length, 2)
  for (const answer of answers)
    if (answer.status !== 202) answer.refuses(403, /Quota exceeded for instances: Requested 1, but already used 4 of 4/)
  const ids: string[] = made.map(answer => answer.body.server.id)
  for (const id of ids) await cloud.waitForStatus(id, 'ACTIVE')
  assert.deepEqual(await used(), [4, 4, 512])
  ;(await ask('POST', '/servers', { body: body() })).expect(403)
  for (const id of ids) (await ask('DELETE', `/servers/${id}`)).expect(204)
  for (const id of ids) await cloud.waitUntilGone(id)
  assert.deepEqual(await used(), [2, 2, 256])
})

test('a group knows its members in all cells, and how many it may have', async () => {
  const members = async (): Promise<string[]> =>
    (await ask('GET', `/os-server-groups/${groupId}`)).expect(200).body.server_group.members
  assert.deepEqual((await members()).toSorted(), [inOne, inTwo].toSorted())
  const [listed] = (await ask('GET', '/os-server-groups')).expect(200).body.server_groups
  assert.deepEqual(listed.members.toSorted(), [inOne, inTwo].toSorted())
  const hints = { 'os:scheduler_hints': { group: groupId } }
  const two = { server: { ...body().server, min_count: 2 }, ...hints }
  ;(await ask('POST', '/servers', { body: two })).refuses(403, 'Quota exceeded, too many servers in group')
  const third = await at('host-2', { hints: { group: groupId } })
  ;(await ask('POST', '/servers', { body: { ...body(), ...hints } })).refuses(403, /too many servers in group/)
  ;(await ask('DELETE', `/servers/${third}`)).expect(204)
  await cloud.waitUntilGone(third)
  assert.equal((await members()).length, 2)
  const another = (name: string) =>
    ask('POST', '/os-server-groups', { body: { server_group: { name, policy: 'affinity' } } })
  const statuses = (await Promise.all(['a', 'b', 'c'].map(another))).map(answer => answer.status)
  assert.deepEqual(statuses.toSorted(), [200, 403, 403])
})

test('the usage of a project is that of its servers in all cells, in pages', async () => {
  for (const [name, id] of [
    ['one', inOne],
    ['two', inTwo],
  ] as const) {
    const { instances } = await cells.storeOf(name)
    const nowMs = cloud.deps.clock.now()
    await instances.change((await instances.get(id)).id, { launchedAtMs: nowMs - 3_600_000 }, nowMs)
  }
  const path = `/os-simple-tenant-usage/${cloud.admin.projectId}?start=2020-01-01T00:00:00`
  const usage = async (more: string): Promise<string[]> =>
    ((await ask('GET', `${path}${more}`)).expect(200).body.tenant_usage.server_usages ?? []).map(
      (one: Json) => one.instance_id,
    )
  const all = await usage('')
  const sorted = [inOne, inTwo].toSorted()
  assert.deepEqual(
    all.filter(id => sorted.includes(id)),
    sorted,
  )
  const paged: string[] = []
  for (let page = await usage('&limit=1'); page.length > 0; page = await usage(`&limit=1&marker=${paged.at(-1)}`))
    paged.push(...page)
  assert.deepEqual(paged, all)
  const { tenant_usage: total } = (await ask('GET', path)).body
  assert.ok(total.total_hours >= 2 && total.total_hours < 3, String(total.total_hours))
  ;(await ask('GET', `${path}&marker=${newUuid()}`)).expect(500)
})

test('limits in Keystone are those of all cells', async () => {
  const { service } = await cloud.keystone('POST', '/services', { service: { type: 'compute', name: 'nova' } })
  for (const [resource_name, default_limit] of Object.entries({ servers: 2, 'class:VCPU': 100 })) {
    const limit = { service_id: service.id, resource_name, default_limit }
    await cloud.keystone('POST', '/registered_limits', { registered_limits: [limit] })
  }
  const { deps } = cloud
  const { identity, clock } = deps
  const quotas = unifiedQuotas({ identity, clock, strategy: 'require', resources: ['servers', 'class:VCPU'] })
  const policy = new Enforcer({ defaults: novaDefaults, log: silentLog, clock })
  const face = createComputeApi({ deps: inCells({ ...deps, quotas }, cells), identity, policy })
  try {
    const headers = { 'x-auth-token': cloud.admin.token, 'openstack-api-version': `compute ${newest}` }
    const refused = await face.inject({ method: 'POST', url: '/v2.1/servers', headers, payload: body() })
    assert.equal(refused.statusCode, 403, refused.body)
    assert.match(refused.body, /Resource servers is over limit of 2 due to current usage 2 and delta 1/)
  } finally {
    await face.close()
  }
})
