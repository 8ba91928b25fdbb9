import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Ask, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
  await cloud.bootServer()
})
after(() => cloud.close())

const ask = (ask: Ask & { query?: string } = {}) => cloud.request('GET', `/limits${ask.query ?? ''}`, ask)
const absolute = async (more: Ask & { query?: string } = {}): Promise<Json> =>
  (await ask(more)).expect(200).body.limits.absolute

const lasting = {
  maxServerMeta: 128,
  maxServerGroups: 10,
  maxServerGroupMembers: 10,
  maxTotalCores: 20,
  maxTotalInstances: 10,
  maxTotalKeypairs: 100,
  maxTotalRAMSize: 51_200,
  totalCoresUsed: 1,
  totalInstancesUsed: 1,
  totalRAMUsed: 128,
  totalServerGroupsUsed: 0,
}
const files = { maxPersonality: 5, maxPersonalitySize: 10_240 }
const network = {
  maxTotalFloatingIps: -1,
  maxSecurityGroups: -1,
  maxSecurityGroupRules: -1,
  totalFloatingIpsUsed: 0,
  totalSecurityGroupsUsed: 0,
}

for (const [version, expected] of [
  ['2.1', { ...lasting, ...files, ...network, maxImageMeta: 128 }],
  ['2.35', { ...lasting, ...files, ...network, maxImageMeta: 128 }],
  ['2.36', { ...lasting, ...files, maxImageMeta: 128 }],
  ['2.39', { ...lasting, ...files }],
  ['2.57', lasting],
  ['2.104', lasting],
] as const) {
  test(`limits and usage at ${version}`, async () => {
    const { body } = (await ask({ version })).expect(200)
    assert.deepEqual(body, { limits: { rate: [], absolute: expected } })
  })
}

test('only administrators see another project', async () => {
  const query = `?tenant_id=${cloud.member.projectId}`
  assert.equal((await absolute({ query, as: cloud.admin })).totalInstancesUsed, 1)
  assert.equal((await absolute({ as: cloud.admin })).totalInstancesUsed, 0)
  const refused = await ask({ query, as: cloud.stranger })
  refused.refuses(403, "Policy doesn't allow os_compute_api:limits:other_project to be performed.")
})

test('unknown parameters are refused from 2.75 on', async () => {
  await ask({ query: '?reserved=1', version: '2.74' }).then(a => a.expect(200))
  await ask({ query: '?reserved=1', version: '2.75' }).then(a => a.refuses(400, /reserved/))
})
