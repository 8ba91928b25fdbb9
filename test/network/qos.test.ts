/** QoS policies of the built-in network: what is promised to a port, and who may change it when. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Api, type Running, startNetwork } from './harness.ts'

let running: Running
let api: Api
const admin = 'ops:admin'
before(async () => {
  running = await startNetwork()
  api = running.api
})
after(() => running.close())

async function made(path: string, kind: string, fields: Record<string, unknown>, token = admin) {
  const { status, body } = await api('POST', `/v2.0/${path}`, { [kind]: fields }, token)
  assert.equal(status, 201, JSON.stringify(body))
  return body[kind]
}
const policyWith = async (
  fields: Record<string, unknown>,
  ...rules: readonly (readonly [string, Record<string, unknown>])[]
) => {
  const policy = await made('qos/policies', 'policy', { name: 'p', ...fields })
  for (const [kind, rule] of rules) await made(`qos/policies/${policy.id}/${kind}s`, kind, rule)
  return policy.id as string
}
const bandwidth = (kbps: number, direction = 'egress') =>
  ['minimum_bandwidth_rule', { min_kbps: kbps, direction }] as const
const packets = (kpps: number, direction: string) =>
  ['minimum_packet_rate_rule', { min_kpps: kpps, direction }] as const
const network = (fields: Record<string, unknown> = {}) => made('networks', 'network', { name: 'n', ...fields })
const port = (networkId: string, fields: Record<string, unknown> = {}) =>
  made('ports', 'port', { network_id: networkId, ...fields })
const seen = async (id: string, token = admin) => (await api('GET', `/v2.0/ports/${id}`, undefined, token)).body.port

test('the operator makes policies, a project sees those that are shared', async () => {
  const refused = await api('POST', '/v2.0/qos/policies', { policy: { name: 'mine' } })
  assert.equal(refused.status, 403)
  const own = await policyWith({ name: 'own' })
  const shared = await policyWith({ name: 'shared', shared: true }, bandwidth(1000))
  const { body } = await api('GET', '/v2.0/qos/policies')
  assert.deepEqual(
    body.policies.map((policy: { name: string }) => policy.name),
    ['shared'],
  )
  const [rule] = body.policies[0].rules
  assert.deepEqual(
    [rule.direction, rule.min_kbps, rule.type, rule.qos_policy_id],
    ['egress', 1000, 'minimum_bandwidth', shared],
  )
  assert.equal((await api('GET', `/v2.0/qos/policies/${own}`)).status, 404)
  const renamed = await api('PUT', `/v2.0/qos/policies/${own}`, { policy: { name: 'other', shared: true } }, admin)
  assert.deepEqual([renamed.body.policy.name, renamed.body.policy.shared], ['other', true])
  assert.equal((await api('DELETE', `/v2.0/qos/policies/${own}`, undefined, admin)).status, 204)
})

test('rules are made, changed and deleted; two of a kind may not say the same', async () => {
  const id = await policyWith({})
  const base = `/v2.0/qos/policies/${id}/minimum_bandwidth_rules`
  const rule = await made(`qos/policies/${id}/minimum_bandwidth_rules`, 'minimum_bandwidth_rule', { min_kbps: 10 })
  assert.equal(rule.direction, 'egress')
  const again = await api('POST', base, { minimum_bandwidth_rule: { min_kbps: 20 } }, admin)
  assert.deepEqual([again.status, again.body.NeutronError.type], [409, 'QoSRulesConflict'])
  for (const wrong of [{}, { min_kbps: -1 }, { min_kbps: 1, direction: 'any' }, { min_kbps: 1, max_kbps: 1 }])
    assert.equal((await api('POST', base, { minimum_bandwidth_rule: wrong }, admin)).status, 400)
  const changed = await api('PUT', `${base}/${rule.id}`, { minimum_bandwidth_rule: { min_kbps: 30 } }, admin)
  assert.deepEqual(changed.body.minimum_bandwidth_rule, { id: rule.id, direction: 'egress', min_kbps: 30 })
  assert.deepEqual((await api('GET', `${base}?direction=ingress`, undefined, admin)).body, {
    minimum_bandwidth_rules: [],
  })
  assert.equal((await api('DELETE', `${base}/${rule.id}`, undefined, 'alpha:member')).status, 404)
  assert.equal((await api('DELETE', `${base}/${rule.id}`, undefined, admin)).status, 204)
  assert.equal((await api('GET', `${base}/${rule.id}`, undefined, admin)).status, 404)
  const rates = `/v2.0/qos/policies/${id}/minimum_packet_rate_rules`
  await made(`qos/policies/${id}/minimum_packet_rate_rules`, 'minimum_packet_rate_rule', {
    min_kpps: 5,
    direction: 'any',
  })
  const both = await api('POST', rates, { minimum_packet_rate_rule: { min_kpps: 5, direction: 'ingress' } }, admin)
  assert.equal(both.status, 409)
  assert.deepEqual((await api('GET', '/v2.0/qos/rule-types')).body.rule_types, [
    { type: 'minimum_bandwidth' },
    { type: 'minimum_packet_rate' },
  ])
  const details = (await api('GET', '/v2.0/qos/rule-types/minimum_bandwidth', undefined, admin)).body.rule_type
  assert.equal(details.drivers[0].supported_parameters[0].parameter_name, 'min_kbps')
})

test('a port asks for what its policy, or that of its network, promises', async () => {
  const own = await policyWith({}, bandwidth(1000), bandwidth(2000, 'ingress'), packets(7, 'any'))
  const ofNetwork = await policyWith({}, bandwidth(500))
  const fields = { 'provider:network_type': 'flat', 'provider:physical_network': 'physnet-1' }
  const { id: networkId } = await network({ qos_policy_id: ofNetwork, ...fields })
  const byNetwork = await port(networkId, { 'binding:vnic_type': 'direct' })
  assert.deepEqual([byNetwork.qos_policy_id, byNetwork.qos_network_policy_id], [null, ofNetwork])
  const [group] = byNetwork.resource_request.request_groups
  assert.deepEqual(group.resources, { NET_BW_EGR_KILOBIT_PER_SEC: 500 })
  assert.deepEqual(group.required, ['CUSTOM_PHYSNET_PHYSNET_1', 'CUSTOM_VNIC_TYPE_DIRECT'])
  const byItself = await port(networkId, { qos_policy_id: own })
  const { request_groups: groups, same_subtree: together } = byItself.resource_request
  assert.deepEqual(
    groups.map((one: { resources: unknown }) => one.resources),
    [{ NET_BW_EGR_KILOBIT_PER_SEC: 1000, NET_BW_IGR_KILOBIT_PER_SEC: 2000 }, { NET_PACKET_RATE_KILOPACKET_PER_SEC: 7 }],
  )
  assert.deepEqual(
    together,
    groups.map((one: { id: string }) => one.id),
  )
  assert.deepEqual((await seen(byItself.id)).resource_request, byItself.resource_request)
  const [view] = await running.service.port.ports('service', { ids: [byItself.id] })
  assert.deepEqual(view?.resourceGroups, groups)
  // Whoever is not the operator is not told.
  const { id: plain } = await network({ shared: true })
  const mine = await port(plain, { qos_policy_id: undefined, project_id: 'alpha' })
  assert.equal(mine.resource_request, null)
  assert.equal('resource_request' in (await seen(mine.id, 'alpha:member')), false)
  const foreign = await api('PUT', `/v2.0/ports/${mine.id}`, { port: { qos_policy_id: own } }, 'alpha:member')
  assert.deepEqual([foreign.status, foreign.body.NeutronError.type], [404, 'QosPolicyNotFound'])
})

test('what a server was promised stays while it has the port', async () => {
  const policy = await policyWith({}, bandwidth(1000))
  const other = await policyWith({ name: 'other' }, bandwidth(1))
  const { id: networkId } = await network()
  const { id } = await port(networkId, { qos_policy_id: policy })
  const device = { device_id: 'server', device_owner: 'compute:nova' }
  assert.equal((await api('PUT', `/v2.0/ports/${id}`, { port: device }, admin)).status, 200)
  const rules = `/v2.0/qos/policies/${policy}/minimum_bandwidth_rules`
  const [rule] = (await api('GET', rules, undefined, admin)).body.minimum_bandwidth_rules
  const refusals = [
    await api('PUT', `/v2.0/ports/${id}`, { port: { qos_policy_id: other } }, admin),
    await api('PUT', `/v2.0/ports/${id}`, { port: { qos_policy_id: null } }, admin),
    await api('PUT', `${rules}/${rule.id}`, { minimum_bandwidth_rule: { min_kbps: 1 } }, admin),
    await api('DELETE', `${rules}/${rule.id}`, undefined, admin),
    await api('POST', rules, { minimum_bandwidth_rule: { min_kbps: 1, direction: 'ingress' } }, admin),
  ]
  for (const { status, body } of refusals)
    assert.deepEqual([status, body.NeutronError.type], [409, 'QosPlacementAllocationUpdateConflict'])
  const used = await api('DELETE', `/v2.0/qos/policies/${policy}`, undefined, admin)
  assert.deepEqual([used.status, used.body.NeutronError.type], [409, 'QosPolicyInUse'])
  const { id: bare } = await port(networkId, device)
  const toNetwork = await api('PUT', `/v2.0/networks/${networkId}`, { network: { qos_policy_id: other } }, admin)
  assert.equal(toNetwork.status, 409)
  for (const gone of [bare, id])
    assert.equal((await api('DELETE', `/v2.0/ports/${gone}`, undefined, admin)).status, 204)
  assert.equal((await api('DELETE', `/v2.0/qos/policies/${policy}`, undefined, admin)).status, 204)
})

test('only simulated hosts may have other networks than those of one machine', async () => {
  const type = (network_type: string, physical_network: string | null, segmentation_id: number | null) =>
    api(
      'POST',
      '/v2.0/networks',
      {
        network: {
          name: 'x',
          'provider:network_type': network_type,
          'provider:physical_network': physical_network,
          'provider:segmentation_id': segmentation_id,
        },
      },
      admin,
    )
  const { body } = await type('vlan', 'physnet1', 17)
  const { id } = body.network
  assert.deepEqual([body.network['provider:network_type'], body.network['provider:segmentation_id']], ['vlan', 17])
  for (const wrong of [
    await type('local', 'physnet1', null),
    await type('flat', null, null),
    await type('vlan', 'physnet1', null),
    await type('flat', 'physnet1', 3),
  ])
    assert.equal(wrong.status, 400)
  const bound = await port(id, { 'binding:vnic_type': 'direct', 'binding:host_id': 'host', 'binding:profile': {} })
  assert.deepEqual([bound['binding:vif_type'], bound['binding:vif_details'].vlan], ['hw_veb', '17'])
})
