import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Api, type Reply, type Running, startNetwork } from './harness.ts'

let running: Running
let api: Api
const admin = 'ops:admin'
const beta = 'beta:member'

before(async () => {
  running = await startNetwork()
  api = running.api
})
after(() => running.close())

const ok = async (reply: Promise<Reply>, status = 200) => {
  const answer = await reply
  assert.equal(answer.status, status, JSON.stringify(answer.body))
  return answer.body
}

const refused = async (reply: Promise<Reply>, status: number, type: string) => {
  const { status: actual, body } = await reply
  assert.deepEqual([actual, body?.NeutronError?.type], [status, type], JSON.stringify(body))
  return body.NeutronError.message as string
}

const network = async (attributes: object = {}, token?: string) =>
  (await ok(api('POST', '/v2.0/networks', { network: { name: 'net', ...attributes } }, token), 201)).network
const subnet = async (networkId: string, cidr: string, attributes: object = {}) =>
  (
    await ok(
      api('POST', '/v2.0/subnets', { subnet: { network_id: networkId, ip_version: 4, cidr, ...attributes } }),
      201,
    )
  ).subnet

test('versions, index, extensions and zones are told', async () => {
  const versions = await ok(api('GET', '/', undefined, ''))
  assert.equal(versions.versions[0].id, 'v2.0')
  assert.equal(versions.versions[0].links[0].href, `${running.url}/v2.0/`)
  assert.ok((await ok(api('GET', '/v2.0/'))).resources.some((r: { collection: string }) => r.collection === 'ports'))
  const { extensions } = await ok(api('GET', '/v2.0/extensions'))
  assert.ok(extensions.some((e: { alias: string }) => e.alias === 'security-group'))
  assert.equal((await ok(api('GET', '/v2.0/extensions/quotas'))).extension.alias, 'quotas')
  await refused(api('GET', '/v2.0/extensions/dvr'), 404, 'HTTPNotFound')
  assert.equal((await ok(api('GET', '/v2.0/availability_zones'))).availability_zones[0].name, 'nova')
  assert.deepEqual((await ok(api('GET', '/v2.0/agents', undefined, admin))).agents, [])
  assert.deepEqual((await ok(api('GET', '/v2.0/agents'))).agents, [])
})

test('a bad token is 401, an unknown path 404, a reader only reads', async () => {
  assert.equal((await api('GET', '/v2.0/networks', undefined, 'nonsense')).status, 401)
  await refused(api('GET', '/v2.0/dragons'), 404, 'HTTPNotFound')
  await ok(api('GET', '/v2.0/networks', undefined, 'alpha:reader'))
  const said = await refused(api('POST', '/v2.0/networks', { network: {} }, 'alpha:reader'), 403, 'PolicyNotAuthorized')
  assert.match(said, /rule:create_network/)
})

test('a network is made, shown, changed and deleted', async () => {
  const made = await network({ name: 'first', description: 'd' })
  assert.equal(made.tenant_id, 'alpha')
  assert.equal(made.project_id, 'alpha')
  assert.equal(made.status, 'ACTIVE')
  assert.equal(made.revision_number, 0)
  assert.equal(made['provider:network_type'], undefined)
  assert.equal(
    (await ok(api('GET', `/v2.0/networks/${made.id}`, undefined, admin))).network['provider:network_type'],
    'local',
  )
  const changed = await ok(
    api('PUT', `/v2.0/networks/${made.id}`, { network: { name: 'second', admin_state_up: false } }),
  )
  assert.deepEqual(
    [changed.network.name, changed.network.status, changed.network.revision_number],
    ['second', 'DOWN', 1],
  )
  await refused(api('GET', `/v2.0/networks/${made.id}`, undefined, beta), 404, 'NetworkNotFound')
  await refused(api('DELETE', `/v2.0/networks/${made.id}`, undefined, beta), 404, 'NetworkNotFound')
  await ok(api('DELETE', `/v2.0/networks/${made.id}`), 204)
  await refused(api('DELETE', `/v2.0/networks/${made.id}`), 404, 'NetworkNotFound')
})

test('what only administrators may give is refused by its rule', async () => {
  const said = await refused(api('POST', '/v2.0/networks', { network: { shared: true } }), 403, 'PolicyNotAuthorized')
  assert.match(said, /rule:create_network:shared/)
  await ok(api('POST', '/v2.0/networks', { network: { shared: false } }), 201)
  await refused(api('POST', '/v2.0/networks', { network: { tenant_id: 'beta' } }), 400, 'HTTPBadRequest')
  const shared = await network({ shared: true, name: 'shared' }, admin)
  assert.equal((await ok(api('GET', `/v2.0/networks/${shared.id}`))).network.shared, true)
  await refused(api('PUT', `/v2.0/networks/${shared.id}`, { network: { name: 'x' } }), 403, 'PolicyNotAuthorized')
  await refused(
    api('POST', '/v2.0/ports', { port: { network_id: shared.id, 'binding:host_id': 'h' } }),
    403,
    'PolicyNotAuthorized',
  )
  await refused(
    api('POST', '/v2.0/ports', { port: { network_id: shared.id, mac_address: 'fa:16:3e:00:00:01' } }),
    403,
    'PolicyNotAuthorized',
  )
  const port = (await ok(api('POST', '/v2.0/ports', { port: { network_id: shared.id } }), 201)).port
  assert.equal(port['binding:host_id'], undefined)
  assert.equal(port['binding:vnic_type'], 'normal')
  await refused(
    api('PUT', `/v2.0/networks/${shared.id}`, { network: { shared: false } }, admin),
    409,
    'InvalidSharedSetting',
  )
})

test('wrong requests are told what is wrong', async () => {
  await refused(api('POST', '/v2.0/networks', {}), 400, 'HTTPBadRequest')
  await refused(api('POST', '/v2.0/networks', { network: { colour: 'red' } }), 400, 'HTTPBadRequest')
  await refused(api('POST', '/v2.0/networks', { network: { admin_state_up: 'perhaps' } }), 400, 'HTTPBadRequest')
  await refused(api('POST', '/v2.0/networks', { network: { id: 'x' } }), 400, 'HTTPBadRequest')
  await refused(api('POST', '/v2.0/ports', { port: {} }), 400, 'HTTPBadRequest')
  await refused(api('GET', '/v2.0/networks?colour=red'), 400, 'InvalidInput')
  await refused(api('GET', '/v2.0/networks?limit=-3'), 400, 'HTTPBadRequest')
  await refused(api('GET', '/v2.0/networks?sort_key=colour'), 400, 'HTTPBadRequest')
})

test('a subnet gets gateway and pools, and keeps others out', async () => {
  const net = await network()
  const made = await subnet(net.id, '10.1.0.0/24')
  assert.equal(made.gateway_ip, '10.1.0.1')
  assert.deepEqual(made.allocation_pools, [{ start: '10.1.0.2', end: '10.1.0.254' }])
  const overlap = { subnet: { network_id: net.id, ip_version: 4, cidr: '10.1.0.128/25' } }
  await refused(api('POST', '/v2.0/subnets', overlap), 400, 'InvalidInput')
  const middle = await subnet(net.id, '10.2.0.0/29', { gateway_ip: '10.2.0.4' })
  assert.deepEqual(middle.allocation_pools, [
    { start: '10.2.0.1', end: '10.2.0.3' },
    { start: '10.2.0.5', end: '10.2.0.6' },
  ])
  const pools = (allocation_pools: object[]) =>
    api('POST', '/v2.0/subnets', {
      subnet: { network_id: net.id, ip_version: 4, cidr: '10.3.0.0/24', allocation_pools },
    })
  await refused(pools([{ start: '10.3.0.1', end: '10.3.0.9' }]), 409, 'GatewayConflictWithAllocationPools')
  await refused(pools([{ start: '10.4.0.1', end: '10.4.0.9' }]), 400, 'OutOfBoundsAllocationPool')
  await refused(
    pools([
      { start: '10.3.0.2', end: '10.3.0.9' },
      { start: '10.3.0.9', end: '10.3.0.20' },
    ]),
    409,
    'OverlappingAllocationPools',
  )
  const six = await ok(
    api('POST', '/v2.0/subnets', { subnet: { network_id: net.id, ip_version: 6, cidr: 'fd00:1::/64' } }),
    201,
  )
  assert.equal(six.subnet.gateway_ip, 'fd00:1::1')
  await refused(
    api('POST', '/v2.0/subnets', { subnet: { network_id: net.id, ip_version: 6, cidr: '10.5.0.0/24' } }),
    400,
    'InvalidInput',
  )
  const changed = await ok(
    api('PUT', `/v2.0/subnets/${made.id}`, { subnet: { dns_nameservers: ['9.9.9.9'], gateway_ip: null } }),
  )
  assert.deepEqual([changed.subnet.dns_nameservers, changed.subnet.gateway_ip], [['9.9.9.9'], null])
})

test('a port gets an address, a MAC and the default group', async () => {
  const net = await network()
  const sub = await subnet(net.id, '10.1.0.0/24')
  const { port } = await ok(api('POST', '/v2.0/ports', { port: { network_id: net.id, name: 'p' } }), 201)
  assert.deepEqual(port.fixed_ips, [{ subnet_id: sub.id, ip_address: '10.1.0.2' }])
  assert.match(port.mac_address, /^fa:16:3e:/)
  assert.equal(port.status, 'DOWN')
  const { security_groups: groups } = await ok(api('GET', '/v2.0/security-groups?name=default'))
  assert.deepEqual(port.security_groups, [groups[0].id])
  const asked = (fixed_ips: object[]) => api('POST', '/v2.0/ports', { port: { network_id: net.id, fixed_ips } })
  await refused(asked([{ ip_address: '10.1.0.2' }]), 409, 'IpAddressAlreadyAllocated')
  await refused(asked([{ ip_address: '10.1.0.1' }]), 409, 'IpAddressAlreadyAllocated')
  await refused(asked([{ ip_address: '10.9.0.2' }]), 400, 'InvalidIpForNetwork')
  await refused(asked([{ ip_address: '10.9.0.2', subnet_id: sub.id }]), 400, 'InvalidIpForSubnet')
  await refused(asked([{ ip_address: '10.1.0.255' }]), 400, 'InvalidIpForSubnet')
  await refused(
    api('POST', '/v2.0/ports', { port: { network_id: net.id, mac_address: port.mac_address } }),
    409,
    'MacAddressInUse',
  )
  const two = await ok(
    api('PUT', `/v2.0/ports/${port.id}`, { port: { fixed_ips: [{ subnet_id: sub.id }, { ip_address: '10.1.0.77' }] } }),
  )
  assert.deepEqual(
    two.port.fixed_ips.map((ip: { ip_address: string }) => ip.ip_address),
    ['10.1.0.2', '10.1.0.77'],
  )
  await refused(api('DELETE', `/v2.0/networks/${net.id}`), 409, 'NetworkInUse')
  await refused(api('DELETE', `/v2.0/subnets/${sub.id}`), 409, 'SubnetInUse')
  await refused(
    api('PUT', `/v2.0/ports/${port.id}`, { port: { port_security_enabled: false } }),
    409,
    'PortSecurityPortHasSecurityGroup',
  )
  const open = await ok(
    api('PUT', `/v2.0/ports/${port.id}`, { port: { port_security_enabled: false, security_groups: [] } }),
  )
  assert.deepEqual([open.port.port_security_enabled, open.port.security_groups], [false, []])
  const found = await ok(api('GET', '/v2.0/ports?fixed_ips=ip_address%3D10.1.0.77&fields=id'))
  assert.deepEqual(found.ports, [{ id: port.id }])
  await ok(api('DELETE', `/v2.0/ports/${port.id}`), 204)
  await ok(api('DELETE', `/v2.0/networks/${net.id}`), 204)
})

test('binding and its details are the administrator’s', async () => {
  const net = await network()
  await subnet(net.id, '10.1.0.0/24')
  const body = { port: { network_id: net.id, 'binding:host_id': 'h1', tenant_id: 'alpha' } }
  const { port } = await ok(api('POST', '/v2.0/ports', body, admin), 201)
  assert.equal(port['binding:vif_type'], 'bridge')
  assert.deepEqual(port['binding:vif_details'], {
    bridge_name: `brq${net.id.slice(0, 11)}`,
    port_filter: true,
    connectivity: 'l2',
  })
  assert.equal(port.project_id, 'alpha')
  await running.service.plugger.plug(port.id)
  assert.equal((await ok(api('GET', `/v2.0/ports/${port.id}`))).port.status, 'ACTIVE')
  const unbound = await ok(api('PUT', `/v2.0/ports/${port.id}`, { port: { 'binding:host_id': '' } }, admin))
  assert.deepEqual([unbound.port['binding:vif_type'], unbound.port.status], ['unbound', 'DOWN'])
})

test('lists are filtered, sorted, paged and cut to fields', async () => {
  const token = 'pages:member'
  for (const name of ['c', 'a', 'b']) await network({ name }, token)
  const names = (body: { networks: { name: string }[] }) => body.networks.map(n => n.name)
  const list = (query: string) => ok(api('GET', `/v2.0/networks?tenant_id=pages&${query}`, undefined, token))
  assert.deepEqual(names(await list('sort_key=name&sort_dir=desc')), ['c', 'b', 'a'])
  assert.deepEqual(names(await list('name=a&name=c&sort_key=name')), ['a', 'c'])
  assert.deepEqual(names(await list('shared=False&admin_state_up=true&name=b')), ['b'])
  const first = await list('sort_key=name&limit=2')
  assert.deepEqual(names(first), ['a', 'b'])
  const next = first.networks_links.find((l: { rel: string }) => l.rel === 'next').href
  const second = await ok(api('GET', next.slice(running.url.length), undefined, token))
  assert.deepEqual(names(second), ['c'])
  const back = second.networks_links.find((l: { rel: string }) => l.rel === 'previous').href
  assert.deepEqual(names(await ok(api('GET', back.slice(running.url.length), undefined, token))), ['a', 'b'])
  await refused(api('GET', '/v2.0/networks?marker=nobody', undefined, token), 404, 'NetworkNotFound')
})

test('bulk creates are all or nothing', async () => {
  const net = await network({ name: 'bulk' })
  await subnet(net.id, '10.1.0.0/29')
  const ports = (n: number) => ({
    ports: Array.from({ length: n }, (_, i) => ({ network_id: net.id, name: `bulk${i}` })),
  })
  await refused(api('POST', '/v2.0/ports', ports(6)), 409, 'IpAddressGenerationFailure')
  assert.deepEqual((await ok(api('GET', `/v2.0/ports?network_id=${net.id}`))).ports, [])
  const made = await ok(api('POST', '/v2.0/ports', ports(5)), 201)
  assert.equal(
    new Set(made.ports.map((p: { fixed_ips: { ip_address: string }[] }) => p.fixed_ips[0]?.ip_address)).size,
    5,
  )
})

test('security groups and rules follow Neutron’s checks', async () => {
  const { security_group: group } = await ok(
    api('POST', '/v2.0/security-groups', { security_group: { name: 'web' } }),
    201,
  )
  assert.deepEqual(
    group.security_group_rules
      .map((r: { direction: string; ethertype: string }) => `${r.direction} ${r.ethertype}`)
      .sort(),
    ['egress IPv4', 'egress IPv6'],
  )
  const rule = (attributes: object) =>
    api('POST', '/v2.0/security-group-rules', {
      security_group_rule: { security_group_id: group.id, direction: 'ingress', ...attributes },
    })
  const web = { protocol: 'tcp', port_range_min: 80, port_range_max: 80, remote_ip_prefix: '10.0.0.9/8' }
  const { security_group_rule: made } = await ok(rule(web), 201)
  assert.deepEqual([made.ethertype, made.remote_ip_prefix, made.normalized_cidr], ['IPv4', '10.0.0.9/8', '10.0.0.0/8'])
  assert.match(await refused(rule(web), 409, 'SecurityGroupRuleExists'), new RegExp(made.id))
  await refused(rule({ protocol: 'tcp', port_range_min: 90, port_range_max: 80 }), 400, 'SecurityGroupInvalidPortRange')
  await refused(rule({ port_range_min: 80, port_range_max: 80 }), 400, 'SecurityGroupProtocolRequiredWithPorts')
  await refused(rule({ protocol: 'icmp', port_range_max: 3 }), 400, 'SecurityGroupMissingIcmpType')
  await refused(rule({ protocol: 'teleport' }), 400, 'SecurityGroupRuleInvalidProtocol')
  await refused(rule({ remote_ip_prefix: 'fd00::/8' }), 400, 'SecurityGroupRuleParameterConflict')
  await refused(
    rule({ protocol: 'tcp', port_range_min: -16, port_range_max: 80 }),
    400,
    'SecurityGroupInvalidPortValue',
  )
  await refused(rule({ remote_group_id: 'no id' }), 404, 'SecurityGroupNotFound')
  const renamed = { security_group: { name: 'Default' } }
  await refused(api('PUT', `/v2.0/security-groups/${group.id}`, renamed), 409, 'SecurityGroupDefaultAlreadyExists')
  await refused(rule({ remote_group_id: '11111111-2222-3333-4444-555555555555' }), 404, 'SecurityGroupNotFound')
  await ok(rule({ protocol: 'icmp', ethertype: 'IPv6' }), 201)
  const all = (await ok(rule({ protocol: 'udp', port_range_min: 1, port_range_max: 65_535 }), 201)).security_group_rule
  assert.deepEqual([all.port_range_min, all.port_range_max], [null, null])
  await refused(
    api('POST', '/v2.0/security-groups', { security_group: { name: 'default' } }),
    409,
    'SecurityGroupDefaultAlreadyExists',
  )
  const [standard] = (await ok(api('GET', '/v2.0/security-groups?name=default'))).security_groups
  await refused(api('DELETE', `/v2.0/security-groups/${standard.id}`), 409, 'SecurityGroupInUse')
  await refused(
    api('PUT', `/v2.0/security-groups/${standard.id}`, { security_group: { name: 'x' } }),
    409,
    'SecurityGroupCannotUpdateDefault',
  )
  await ok(api('DELETE', `/v2.0/security-group-rules/${made.id}`), 204)
  await ok(api('DELETE', `/v2.0/security-groups/${group.id}`), 204)
  await refused(api('GET', `/v2.0/security-groups/${group.id}`), 404, 'SecurityGroupNotFound')
  const [fresh] = (await ok(api('GET', '/v2.0/security-groups', undefined, 'fresh:member'))).security_groups
  assert.equal(fresh.security_group_rules.length, 4)
  await refused(
    api('DELETE', `/v2.0/security-groups/${fresh.id}`, undefined, 'fresh:member'),
    409,
    'SecurityGroupCannotRemoveDefault',
  )
})

test('quotas are shown, set and kept', async () => {
  const token = 'small:member'
  assert.equal((await ok(api('GET', '/v2.0/quotas/small', undefined, token))).quota.port, 500)
  await refused(api('GET', '/v2.0/quotas/alpha', undefined, token), 403, 'PolicyNotAuthorized')
  await refused(api('PUT', '/v2.0/quotas/small', { quota: { network: 1 } }, token), 403, 'PolicyNotAuthorized')
  await ok(api('PUT', '/v2.0/quotas/small', { quota: { network: 1 } }, admin))
  await network({}, token)
  assert.equal(
    await refused(api('POST', '/v2.0/networks', { network: {} }, token), 409, 'OverQuota'),
    "Quota exceeded for resources: ['network'].",
  )
  const details = await ok(api('GET', '/v2.0/quotas/small/details.json', undefined, token))
  assert.deepEqual(details.quota.network, { limit: 1, used: 1, reserved: 0 })
  assert.equal((await ok(api('GET', '/v2.0/quotas', undefined, admin))).quotas.length, 1)
  await ok(api('DELETE', '/v2.0/quotas/small', undefined, admin), 204)
  assert.equal((await ok(api('GET', '/v2.0/quotas/small/default', undefined, token))).quota.network, 100)
})

test('tags are kept and filtered by', async () => {
  const net = await network({ name: 'tagged' })
  await ok(api('PUT', `/v2.0/networks/${net.id}/tags`, { tags: ['red', 'blue'] }))
  await ok(api('PUT', `/v2.0/networks/${net.id}/tags/green`), 201)
  const ids = async (query: string) => (await ok(api('GET', `/v2.0/networks?name=tagged&${query}`))).networks.length
  assert.deepEqual(
    [
      await ids('tags=red,green'),
      await ids('tags=red,black'),
      await ids('tags-any=black,blue'),
      await ids('not-tags=red'),
    ],
    [1, 0, 1, 0],
  )
  await ok(api('DELETE', `/v2.0/networks/${net.id}/tags/red`), 204)
  await refused(api('GET', `/v2.0/networks/${net.id}/tags/red`), 404, 'TagNotFound')
})
