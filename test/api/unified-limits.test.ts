import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { unifiedQuotas } from '#api'
import { systemClock } from '#base'
import { type ApiCloud, type Json, newest, startCloud } from './harness.ts'

/** `[quota] driver = nova.quota.UnifiedLimitsDriver`: limits are Keystone's. */
let cloud: ApiCloud
let keystone: (method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown) => Promise<Json>
let serviceId: string

before(async () => {
  cloud = await startCloud({
    quotaSource: identity =>
      unifiedQuotas({ identity, clock: systemClock, strategy: 'require', resources: ['servers', 'class:VCPU'] }),
  })
  keystone = (method, path, body) => cloud.keystone(method, path, body)
  serviceId = (await keystone('POST', '/services', { service: { type: 'compute', name: 'nova' } })).service.id
})
after(() => cloud.close())

const register = (resource_name: string, default_limit: number) =>
  keystone('POST', '/registered_limits', {
    registered_limits: [{ service_id: serviceId, resource_name, default_limit }],
  })
const grant = (resource_name: string, resource_limit: number) =>
  keystone('POST', '/limits', {
    limits: [{ service_id: serviceId, resource_name, resource_limit, project_id: cloud.member.projectId }],
  })

const create = (fields: object = {}) =>
  cloud.request('POST', '/servers', {
    version: newest,
    body: {
      server: {
        name: 'limited',
        imageRef: cloud.imageId,
        flavorRef: cloud.flavorId,
        networks: [{ uuid: cloud.networkId }],
        ...fields,
      },
    },
  })

test('what is required and has no registered limit is not allowed', async () => {
  const { projectId } = cloud.member
  const answer = await create()
  answer.refuses(
    403,
    `Project ${projectId} is over a limit for [Resource servers is over limit of 0 due to current usage 0 and delta 1, ` +
      'Resource class:VCPU is over limit of 0 due to current usage 0 and delta 1]',
  )
})

test("a project's own limit counts over the default, and parallel creates never exceed it", async () => {
  await register('servers', 1)
  await register('class:VCPU', 100)
  await grant('servers', 3)
  const answers = await Promise.all(Array.from({ length: 12 }, () => create()))
  assert.deepEqual(
    answers.map(answer => answer.status).sort((a, b) => a - b),
    [...Array.from({ length: 3 }, () => 202), ...Array.from({ length: 9 }, () => 403)],
  )
  const over = answers.find(answer => answer.status === 403)
  assert.match(over?.fault.message ?? '', /Resource servers is over limit of 3 due to current usage 3 and delta 1/)
})

test('limits, quotas and usage of the API are those of Keystone', async () => {
  const { absolute } = (await cloud.request('GET', '/limits')).expect(200).body.limits
  assert.equal(absolute.maxTotalInstances, 3)
  assert.equal(absolute.totalInstancesUsed, 3)
  assert.equal(absolute.maxTotalCores, 100)
  const quota = (await cloud.request('GET', `/os-quota-sets/${cloud.member.projectId}/detail`)).expect(200).body
    .quota_set
  assert.deepEqual(quota.instances, { limit: 3, in_use: 3, reserved: 0 })
  const defaults = `/os-quota-sets/${cloud.member.projectId}/defaults`
  assert.equal((await cloud.request('GET', defaults)).expect(200).body.quota_set.instances, 1)
  const classes = await cloud.request('GET', '/os-quota-class-sets/default', { as: cloud.admin })
  assert.equal(classes.expect(200).body.quota_class_set.instances, 1)
})

test('quotas cannot be set here: the answer shows what Keystone has', async () => {
  const path = `/os-quota-sets/${cloud.member.projectId}`
  const body = { quota_set: { instances: 50, force: true } }
  const answer = await cloud.request('PUT', path, { as: cloud.admin, body })
  assert.equal(answer.expect(200).body.quota_set.instances, 3)
  const ofClass = { quota_class_set: { instances: 50 } }
  const classes = await cloud.request('PUT', '/os-quota-class-sets/default', { as: cloud.admin, body: ofClass })
  assert.equal(classes.expect(200).body.quota_class_set.instances, 1)
})

test('other resource classes of a flavor count too; a resize that grows asks for them', async () => {
  const { servers } = (await cloud.request('GET', '/servers')).expect(200).body
  for (const { id } of servers) (await cloud.request('DELETE', `/servers/${id}`)).expect(204)
  for (const { id } of servers) await cloud.waitUntilGone(id)
  await register('class:DISK_GB', 5)
  const big = await cloud.newFlavor({ name: 'big', disk: 6 })
  ;(await create({ flavorRef: big })).refuses(
    403,
    /Resource class:DISK_GB is over limit of 5 due to current usage 0 and delta 6/,
  )
  const many = await cloud.newFlavor({ name: 'many', vcpus: 101 })
  const id = await cloud.bootServer()
  const resize = await cloud.request('POST', `/servers/${id}/action`, { body: { resize: { flavorRef: many } } })
  resize.refuses(403, /Resource class:VCPU is over limit of 100 due to current usage 1 and delta 100/)
})

test('key pairs, groups and metadata have limits by their names in Keystone', async () => {
  await register('server_key_pairs', 1)
  await register('server_groups', 1)
  await register('server_metadata_items', 1)
  const key = (name: string) =>
    cloud.request('POST', '/os-keypairs', { version: '2.90', body: { keypair: { name, type: 'ssh' } } })
  ;(await key('one')).expect(201)
  ;(await key('two')).expect(403)
  const group = () =>
    cloud.request('POST', '/os-server-groups', {
      version: newest,
      body: { server_group: { name: 'g', policy: 'affinity' } },
    })
  ;(await group()).expect(200)
  ;(await group()).expect(403)
  ;(await create({ metadata: { a: '1', b: '2' } })).expect(403)
})
