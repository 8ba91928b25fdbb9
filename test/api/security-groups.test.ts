import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { newUuid } from '#base'
import { type ApiCloud, type Ask, type Json, startCloud } from './harness.ts'

let cloud: ApiCloud
before(async () => {
  cloud = await startCloud()
})
after(() => cloud.close())

const path = '/os-security-groups'
const newGroup = async (name: string, ask: Ask = {}): Promise<Json> => {
  const body = { security_group: { name, description: `${name} servers` } }
  return (await cloud.request('POST', path, { body, ...ask })).expect(200).body.security_group
}
const addRule = (rule: Record<string, unknown>, ask: Ask = {}) =>
  cloud.request('POST', '/os-security-group-rules', { body: { security_group_rule: rule }, ...ask })
const said = (answer: { status: number; body: Json }) => [answer.status, Object.values<Json>(answer.body)[0].message]

test('groups are made, listed by name, shown, changed and deleted', async () => {
  const group = await newGroup('web')
  assert.deepEqual(group, {
    id: group.id,
    name: 'web',
    description: 'web servers',
    tenant_id: cloud.member.projectId,
    rules: [],
  })
  await newGroup('all')
  const names = async (query = '', ask: Ask = {}): Promise<string[]> =>
    (await cloud.request('GET', `${path}${query}`, ask)).expect(200).body.security_groups.map((g: Json) => g.name)
  assert.deepEqual(await names(), ['all', 'default', 'web'])
  assert.equal((await names('?limit=1&offset=1')).length, 1)
  assert.deepEqual(await names('', { as: cloud.stranger }), ['default'])
  assert.ok((await names('?all_tenants=1', { as: cloud.admin })).includes('web'))
  assert.ok(!(await names('', { as: cloud.admin })).includes('web'))
  const change = { security_group: { name: 'www', description: '' } }
  const changed = (await cloud.request('PUT', `${path}/${group.id}`, { body: change })).expect(200).body.security_group
  assert.deepEqual(changed, { ...group, name: 'www', description: '' })
  assert.deepEqual((await cloud.request('GET', `${path}/${group.id}`)).expect(200).body.security_group, changed)
  ;(await cloud.request('DELETE', `${path}/${group.id}`)).expect(202)
  assert.deepEqual(said(await cloud.request('GET', `${path}/${group.id}`)), [
    404,
    `Security group ${group.id} does not exist`,
  ])
  assert.deepEqual(said(await cloud.request('GET', `${path}/1`)), [400, 'Security group id should be uuid'])
  ;(await cloud.request('POST', path, { body: { security_group: { name: 'x' } } })).expect(400)
  ;(await cloud.request('POST', path, { body: change, as: cloud.reader })).expect(403)
})

test('rules have ports or a source, and are told in the old form', async () => {
  const [group, source] = [await newGroup('one'), await newGroup('two')]
  const parent = { parent_group_id: group.id }
  const tcp = { ...parent, ip_protocol: 'tcp', from_port: '22', to_port: 23, cidr: '10.0.0.0/8' }
  const made = (await addRule(tcp)).expect(200).body.security_group_rule
  assert.deepEqual(made, {
    id: made.id,
    parent_group_id: group.id,
    ip_protocol: 'tcp',
    from_port: 22,
    to_port: 23,
    group: {},
    ip_range: { cidr: '10.0.0.0/8' },
  })
  const fromGroup = (await addRule({ ...parent, ip_protocol: 'udp', group_id: source.id })).expect(200)
  const { group: shown, from_port, to_port, ip_range } = fromGroup.body.security_group_rule
  assert.deepEqual(shown, { name: 'two', tenant_id: cloud.member.projectId })
  assert.deepEqual([from_port, to_port, ip_range], [1, 65_535, {}])
  const ping = (await addRule({ ...parent, ip_protocol: 'icmp', from_port: -1, to_port: -1 })).expect(200)
  assert.deepEqual(ping.body.security_group_rule.ip_range, { cidr: '0.0.0.0/0' })
  assert.equal(ping.body.security_group_rule.from_port, -1)
  const { rules } = (await cloud.request('GET', `${path}/${group.id}`)).body.security_group
  assert.deepEqual(
    rules.map((r: Json) => r.id).sort(),
    [made.id, fromGroup.body.security_group_rule.id, ping.body.security_group_rule.id].sort(),
  )
  assert.deepEqual(said(await addRule(tcp)), [400, `This rule already exists in group ${group.id}`])
  ;(await cloud.request('DELETE', `/os-security-group-rules/${made.id}`)).expect(202)
  assert.equal((await cloud.request('DELETE', `/os-security-group-rules/${made.id}`)).status, 404)
})

test('rules that make no sense are refused in Nova’s words', async () => {
  const group = await newGroup('strict')
  const base = { parent_group_id: group.id, ip_protocol: 'tcp', from_port: 1, to_port: 2 }
  const cases: [Record<string, unknown>, string][] = [
    [{ ip_protocol: null }, 'Not enough parameters to build a valid rule.'],
    [{ from_port: null }, 'Not enough parameters to build a valid rule.'],
    [{ ip_protocol: 'sctp' }, 'Invalid IP protocol sctp.'],
    [{ from_port: 9 }, 'Invalid port range 9:2. Former value cannot be greater than the later'],
    [{ to_port: 70_000 }, 'Invalid port range 1:70000. Valid TCP ports should be between 1-65535'],
    [{ from_port: 'ssh' }, 'Invalid input received: To and From ports must be integers'],
    [{ ip_protocol: 'icmp', from_port: 256 }, 'Invalid port range 256:2. For ICMP, the type:code must be valid'],
    [{ cidr: '10.0.0.300/8' }, '10.0.0.300/8 is not a valid IP network.'],
    [{ cidr: '10.0.0.1' }, '10.0.0.1 is not a valid IP network.'],
    [{ cidr: '10.0.0.0/0' }, 'Bad prefix for network in cidr 10.0.0.0/0'],
  ]
  for (const [change, message] of cases) assert.deepEqual(said(await addRule({ ...base, ...change })), [400, message])
  assert.equal((await addRule({ ...base, parent_group_id: newUuid() })).status, 404)
  assert.equal((await addRule({ ...base, group_id: newUuid() })).status, 404)
  assert.equal((await addRule(base, { as: cloud.stranger })).status, 404)
  assert.equal((await addRule({ ...base, group_id: 'x' })).status, 400)
})

test('a group in use stays; a project may have so many', async () => {
  const group = await newGroup('used')
  const id = await cloud.bootServer({ fields: { security_groups: [{ name: 'used' }] } })
  assert.deepEqual(said(await cloud.request('DELETE', `${path}/${group.id}`)), [
    400,
    `Security Group ${group.id} in use.`,
  ])
  const ofServer = (await cloud.request('GET', `/servers/${id}/os-security-groups`)).expect(200).body.security_groups
  assert.deepEqual(ofServer, [(await cloud.request('GET', `${path}/${group.id}`)).body.security_group])
  const quota = (amount: number) =>
    cloud.neutron('PUT', `/quotas/${cloud.member.projectId}`, { quota: { security_group: amount } }, cloud.admin)
  await quota(1)
  const body = { security_group: { name: 'more', description: '' } }
  assert.deepEqual(said(await cloud.request('POST', path, { body })), [
    403,
    "Quota exceeded for resources: ['security_group'].",
  ])
  await quota(-1)
})
