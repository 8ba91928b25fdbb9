import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

const create = (name: string, count: object, networks: Json = [{ uuid: cloud.networkId }]) =>
  cloud.request('POST', '/servers', {
    version: '2.50',
    body: { server: { name, imageRef: cloud.imageId, flavorRef: cloud.flavorId, networks, ...count } },
  })
const quota = (port: number) =>
  cloud.neutron('PUT', `/quotas/${cloud.member.projectId}`, { quota: { port } }, cloud.admin)
const named = async (name: string): Promise<number> =>
  (await cloud.request('GET', `/servers?name=${name}`)).expect(200).body.servers.length

test('as many servers as the project has ports left for, but not fewer than the least', async () => {
  const used = (await cloud.neutron('GET', `/ports?project_id=${cloud.member.projectId}`)).ports.length
  await quota(used + 2)
  ;(await create('many', { min_count: 1, max_count: 5 })).expect(202)
  assert.equal(await named('many'), 2)
  await quota(used + 2)
  const few = (await create('few', { min_count: 3, max_count: 5 })).expect(403)
  assert.equal(few.body.forbidden.message, 'Maximum number of ports exceeded')
  assert.equal(await named('few'), 0)
  await quota(0)
  ;(await create('none', {}, 'none')).expect(202)
  await quota(-1)
  ;(await create('free', { min_count: 2 })).expect(202)
  assert.equal(await named('free'), 2)
})
