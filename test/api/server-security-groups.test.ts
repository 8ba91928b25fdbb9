import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiCloud, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
let id: string
before(async () => {
  cloud = await startCloud()
  id = await cloud.bootServer()
})
after(() => cloud.close())

const newGroup = async (name: string): Promise<string> =>
  (await cloud.neutron('POST', '/security-groups', { security_group: { name } })).security_group.id
const act = (action: string, name: unknown, as = cloud.member) =>
  cloud.request('POST', `/servers/${id}/action`, { as, body: { [action]: { name } } })
const groups = async (): Promise<Json[]> =>
  (await cloud.request('GET', `/servers/${id}/os-security-groups`)).expect(200).body.security_groups
const names = async () => (await groups()).map(g => g.name)

test('a new server has the default group', async () => {
  const [group] = await groups()
  assert.equal(group.name, 'default')
  assert.equal(group.tenant_id, cloud.member.projectId)
  assert.deepEqual((await cloud.server(id)).security_groups, [{ name: 'default' }])
})

test('add by name, remove by id; ports and server say the same', async () => {
  const web = await newGroup('web')
  ;(await act('addSecurityGroup', 'web')).expect(202)
  assert.deepEqual(await names(), ['default', 'web'])
  assert.deepEqual((await cloud.server(id)).security_groups.map((g: Json) => g.name).sort(), ['default', 'web'])
  // Twice is once.
  ;(await act('addSecurityGroup', web)).expect(202)
  assert.deepEqual(await names(), ['default', 'web'])
  ;(await act('removeSecurityGroup', web)).expect(202)
  assert.deepEqual(await names(), ['default'])
  ;(await act('removeSecurityGroup', 'web')).refuses(404, `Security group web not associated with the instance ${id}`)
})

test('several at once are all there afterwards', async () => {
  const many = ['a', 'b', 'c', 'd', 'e']
  for (const name of many) await newGroup(name)
  await Promise.all(many.map(async name => (await act('addSecurityGroup', name)).expect(202)))
  assert.deepEqual(await names(), [...many, 'default'].sort())
  await Promise.all(many.map(async name => (await act('removeSecurityGroup', name)).expect(202)))
  assert.deepEqual(await names(), ['default'])
})

test('names that say nothing, or too much', async () => {
  const { projectId } = cloud.member
  ;(await act('addSecurityGroup', 'nothing')).refuses(
    404,
    `Security group nothing is not found for project ${projectId}`,
  )
  ;(await act('addSecurityGroup', ' ')).refuses(400, 'Security group name cannot be empty')
  ;(await act('addSecurityGroup', '')).expect(400)
  await newGroup('twin')
  await newGroup('twin')
  ;(await act('addSecurityGroup', 'twin')).refuses(
    409,
    "Multiple security_group matches found for name 'twin', use an ID to be more specific.",
  )
})

test('a server without ports has no place for groups', async () => {
  const bare = await cloud.bootServer({ fields: { networks: 'none' } })
  const body = { addSecurityGroup: { name: 'default' } }
  ;(await cloud.request('POST', `/servers/${bare}/action`, { body })).refuses(
    404,
    `instance_id ${bare} could not be found as device id on any ports`,
  )
})

test('rights', async () => {
  ;(await act('addSecurityGroup', 'default', cloud.reader)).expect(403)
  ;(await act('addSecurityGroup', 'default', cloud.stranger)).refuses(404, `Instance ${id} could not be found.`)
  ;(await cloud.request('GET', `/servers/${id}/os-security-groups`, { as: cloud.reader })).expect(200)
})
