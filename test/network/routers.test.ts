import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Reply, type Running, startNetwork } from './harness.ts'

let running: Running
let publicId: string
let publicSubnetId: string
const admin = 'ops:admin'

const call = (method: string, path: string, body?: unknown, token?: string): Promise<Reply> =>
  running.api(method, `/v2.0${path}`, body, token)

async function made(path: string, body: Record<string, unknown>, token?: string) {
  const reply = await call('POST', path, body, token)
  assert.equal(reply.status, 201, JSON.stringify(reply.body))
  return Object.values(reply.body)[0] as ReturnType<typeof JSON.parse>
}

async function aSubnet(cidr: string, token?: string) {
  const network = await made('/networks', { network: { name: `net ${cidr}` } }, token)
  const subnet = await made('/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr } }, token)
  return { networkId: network.id as string, subnetId: subnet.id as string }
}

const put = (routerId: string, action: string, body: unknown, token?: string) =>
  call('PUT', `/routers/${routerId}/${action}`, body, token)

before(async () => {
  running = await startNetwork()
  publicId = (await made('/networks', { network: { name: 'public', 'router:external': true } }, admin)).id
  const pools = [{ start: '172.24.4.10', end: '172.24.4.30' }]
  const subnet = { network_id: publicId, ip_version: 4, cidr: '172.24.4.0/24', enable_dhcp: false }
  publicSubnetId = (await made('/subnets', { subnet: { ...subnet, allocation_pools: pools } }, admin)).id
})
after(() => running.close())

test('a router is made, shown, listed, changed and deleted', async () => {
  const router = await made('/routers', { router: { name: 'r', description: 'd' } })
  assert.deepEqual(
    [router.name, router.description, router.status, router.admin_state_up, router.external_gateway_info],
    ['r', 'd', 'ACTIVE', true, null],
  )
  assert.deepEqual([router.routes, router.availability_zones, router.project_id], [[], ['nova'], 'alpha'])
  const changed = await call('PUT', `/routers/${router.id}`, { router: { name: 'r2', admin_state_up: false } })
  assert.deepEqual([changed.body.router.name, changed.body.router.admin_state_up], ['r2', false])
  assert.deepEqual((await call('GET', '/routers?name=r2&fields=name')).body.routers, [{ name: 'r2' }])
  assert.deepEqual((await call('GET', '/routers', undefined, 'beta:member')).body.routers, [])
  assert.equal((await call('GET', `/routers/${router.id}`, undefined, 'beta:member')).status, 404)
  assert.equal((await call('DELETE', `/routers/${router.id}`)).status, 204)
  const gone = await call('GET', `/routers/${router.id}`)
  assert.equal(gone.body.NeutronError.message, `Router ${router.id} could not be found`)
})

test('interfaces join subnets at their gateways, and leave again', async () => {
  const { networkId, subnetId } = await aSubnet('10.1.0.0/24')
  const router = await made('/routers', { router: { name: 'r' } })
  const joined = await put(router.id, 'add_router_interface', { subnet_id: subnetId })
  assert.equal(joined.status, 200)
  assert.deepEqual(
    [joined.body.id, joined.body.network_id, joined.body.subnet_id, joined.body.subnet_ids],
    [router.id, networkId, subnetId, [subnetId]],
  )
  const { port } = (await call('GET', `/ports/${joined.body.port_id}`)).body
  assert.deepEqual(
    [port.device_owner, port.device_id, port.fixed_ips, port.security_groups],
    ['network:router_interface', router.id, [{ subnet_id: subnetId, ip_address: '10.1.0.1' }], []],
  )
  const again = await put(router.id, 'add_router_interface', { subnet_id: subnetId })
  assert.deepEqual(
    [again.status, again.body.NeutronError.message],
    [400, `Bad router request: Router already has a port on subnet ${subnetId}.`],
  )
  const busy = await call('DELETE', `/routers/${router.id}`)
  assert.deepEqual([busy.status, busy.body.NeutronError.type], [409, 'RouterInUse'])
  const port409 = await call('DELETE', `/ports/${port.id}`)
  assert.equal(
    port409.body.NeutronError.message,
    `Port ${port.id} cannot be deleted directly via the port API: has device owner network:router_interface.`,
  )
  assert.equal((await call('DELETE', `/subnets/${subnetId}`)).status, 409)
  assert.equal((await put(router.id, 'remove_router_interface', { subnet_id: subnetId })).status, 200)
  const none = await put(router.id, 'remove_router_interface', { subnet_id: subnetId })
  assert.deepEqual([none.status, none.body.NeutronError.type], [404, 'RouterInterfaceNotFoundForSubnet'])

  const own = await made('/ports', { port: { network_id: networkId } })
  const byPort = await put(router.id, 'add_router_interface', { port_id: own.id })
  assert.deepEqual([byPort.status, byPort.body.port_id], [200, own.id])
  const taken = await put(router.id, 'add_router_interface', { port_id: own.id })
  assert.deepEqual([taken.status, taken.body.NeutronError.type], [409, 'PortInUse'])
  assert.equal((await put(router.id, 'remove_router_interface', { port_id: own.id })).status, 200)
  assert.equal((await call('GET', `/ports/${own.id}`)).status, 404)
  assert.equal((await put(router.id, 'add_router_interface', {})).status, 400)
})

test('a router cannot join what overlaps, nor a subnet of others', async () => {
  const [one, two, foreign] = [
    await aSubnet('10.2.0.0/24'),
    await aSubnet('10.2.0.0/25'),
    await aSubnet('10.3.0.0/24', 'beta:member'),
  ]
  const router = await made('/routers', { router: { name: 'r' } })
  await put(router.id, 'add_router_interface', { subnet_id: one.subnetId })
  const overlap = await put(router.id, 'add_router_interface', { subnet_id: two.subnetId })
  assert.equal(
    overlap.body.NeutronError.message,
    `Bad router request: Cidr 10.2.0.0/25 of subnet ${two.subnetId} overlaps with cidr 10.2.0.0/24 of subnet ${one.subnetId}.`,
  )
  const strange = await put(router.id, 'add_router_interface', { subnet_id: foreign.subnetId })
  assert.match(strange.body.NeutronError.message, /is not owned by project making the request/)
})

test('a gateway takes an address outside, and gives it back', async () => {
  const wish = { external_gateway_info: { network_id: publicId } }
  const router = await made('/routers', { router: { name: 'r', ...wish } })
  const outside = router.external_gateway_info
  assert.deepEqual([outside.network_id, outside.enable_snat], [publicId, true])
  assert.equal(outside.external_fixed_ips[0].subnet_id, publicSubnetId)
  const inUse = await call('PUT', `/networks/${publicId}`, { network: { 'router:external': false } }, admin)
  assert.deepEqual([inUse.status, inUse.body.NeutronError.type], [409, 'ExternalNetworkInUse'])
  const same = await call('PUT', `/routers/${router.id}`, { router: wish })
  assert.deepEqual(same.body.router.external_gateway_info, outside)
  const chosen = { network_id: publicId, enable_snat: false, external_fixed_ips: [{ ip_address: '172.24.4.30' }] }
  const refused = await call('PUT', `/routers/${router.id}`, { router: { external_gateway_info: chosen } })
  assert.equal(refused.status, 403)
  const moved = await call('PUT', `/routers/${router.id}`, { router: { external_gateway_info: chosen } }, admin)
  assert.deepEqual(moved.body.router.external_gateway_info, {
    network_id: publicId,
    enable_snat: false,
    external_fixed_ips: [{ subnet_id: publicSubnetId, ip_address: '172.24.4.30' }],
  })
  const cleared = await call('PUT', `/routers/${router.id}`, { router: { external_gateway_info: {} } })
  assert.equal(cleared.body.router.external_gateway_info, null)
  const inner = await aSubnet('10.4.0.0/24')
  const notExternal = { external_gateway_info: { network_id: inner.networkId } }
  const bad = await call('PUT', `/routers/${router.id}`, { router: notExternal })
  assert.equal(
    bad.body.NeutronError.message,
    `Bad router request: Network ${inner.networkId} is not an external network.`,
  )
})

test('extra routes are checked, added and taken away', async () => {
  const { subnetId } = await aSubnet('10.5.0.0/24')
  const router = await made('/routers', { router: { name: 'r' } })
  await put(router.id, 'add_router_interface', { subnet_id: subnetId })
  const route = { destination: '192.0.2.0/24', nexthop: '10.5.0.9' }
  const set = await call('PUT', `/routers/${router.id}`, { router: { routes: [route] } })
  assert.deepEqual(set.body.router.routes, [route])
  const far = await call('PUT', `/routers/${router.id}`, { router: { routes: [{ ...route, nexthop: '10.9.0.1' }] } })
  assert.match(far.body.NeutronError.message, /the nexthop is not connected with router/)
  const needed = await put(router.id, 'remove_router_interface', { subnet_id: subnetId })
  assert.equal(needed.body.NeutronError.type, 'RouterInterfaceInUseByRoute')
  const second = { destination: '198.51.100.0/24', nexthop: '10.5.0.9' }
  const added = await put(router.id, 'add_extraroutes', { router: { routes: [route, second] } })
  assert.deepEqual(added.body.router.routes, [route, second])
  const removed = await put(router.id, 'remove_extraroutes', { router: { routes: [route] } })
  assert.deepEqual(removed.body.router.routes, [second])
})

test('a floating address is taken, put on a port, moved and given back', async () => {
  const { networkId, subnetId } = await aSubnet('10.6.0.0/24')
  const router = await made('/routers', { router: { external_gateway_info: { network_id: publicId } } })
  const ip = await made('/floatingips', { floatingip: { floating_network_id: publicId, description: 'web' } })
  assert.deepEqual(
    [ip.status, ip.port_id, ip.router_id, ip.fixed_ip_address, ip.description, ip.project_id],
    ['DOWN', null, null, null, 'web', 'alpha'],
  )
  assert.match(ip.floating_ip_address, /^172\.24\.4\.\d+$/)
  const [one, two] = [
    await made('/ports', { port: { network_id: networkId } }),
    await made('/ports', { port: { network_id: networkId } }),
  ]
  const on = (port_id: string | null, more = {}) =>
    call('PUT', `/floatingips/${ip.id}`, { floatingip: { port_id, ...more } })
  const unreachable = await on(one.id)
  assert.deepEqual(
    [unreachable.status, unreachable.body.NeutronError.type],
    [404, 'ExternalGatewayForFloatingIPNotFound'],
  )
  await put(router.id, 'add_router_interface', { subnet_id: subnetId })
  const set = (await on(one.id)).body.floatingip
  assert.deepEqual(
    [set.status, set.port_id, set.router_id, set.fixed_ip_address, set.port_details.network_id],
    ['ACTIVE', one.id, router.id, one.fixed_ips[0].ip_address, networkId],
  )
  assert.equal((await call('GET', `/floatingips?port_id=${one.id}`)).body.floatingips.length, 1)
  assert.equal((await on(two.id)).body.floatingip.port_id, two.id)
  const needed = await put(router.id, 'remove_router_interface', { subnet_id: subnetId })
  assert.equal(needed.body.NeutronError.type, 'RouterInterfaceInUseByFloatingIP')
  const gateway = await call('PUT', `/routers/${router.id}`, { router: { external_gateway_info: null } })
  assert.equal(gateway.body.NeutronError.type, 'RouterExternalGatewayInUseByFloatingIp')
  const second = { floating_network_id: publicId, port_id: two.id }
  const twice = await call('POST', '/floatingips', { floatingip: second })
  assert.deepEqual([twice.status, twice.body.NeutronError.type], [409, 'FloatingIPPortAlreadyAssociated'])
  assert.equal((await call('DELETE', `/ports/${two.id}`)).status, 204)
  const free = (await call('GET', `/floatingips/${ip.id}`)).body.floatingip
  assert.deepEqual([free.status, free.port_id, free.router_id, free.port_details], ['DOWN', null, null, null])
  assert.equal((await on(null, { fixed_ip_address: '10.6.0.9' })).status, 400)
  assert.equal((await call('GET', `/floatingips/${ip.id}`, undefined, 'beta:member')).status, 404)
  assert.equal((await call('DELETE', `/floatingips/${ip.id}`)).status, 204)
  const gone = await call('DELETE', `/floatingips/${ip.id}`)
  assert.equal(gone.body.NeutronError.message, `Floating IP ${ip.id} could not be found`)
})

test('a chosen floating address is the administrator’s; only external networks have them', async () => {
  const wanted = { floating_network_id: publicId, floating_ip_address: '172.24.4.200' }
  assert.equal((await call('POST', '/floatingips', { floatingip: wanted })).status, 403)
  const ip = await made('/floatingips', { floatingip: wanted }, admin)
  assert.equal(ip.floating_ip_address, '172.24.4.200')
  const taken = await call('POST', '/floatingips', { floatingip: wanted }, admin)
  assert.equal(taken.status, 409)
  const inner = await aSubnet('10.7.0.0/24')
  const bad = await call('POST', '/floatingips', { floatingip: { floating_network_id: inner.networkId } })
  assert.equal(
    bad.body.NeutronError.message,
    `Bad floatingip request: Network ${inner.networkId} is not a valid external network.`,
  )
  await call('PUT', '/quotas/gamma', { quota: { floatingip: 0 } }, admin)
  const over = await call('POST', '/floatingips', { floatingip: { floating_network_id: publicId } }, 'gamma:member')
  assert.deepEqual([over.status, over.body.NeutronError.type], [409, 'OverQuota'])
})

test('an external network goes with its unused floating addresses', async () => {
  const network = await made('/networks', { network: { 'router:external': true } }, admin)
  await made('/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr: '172.25.0.0/24' } }, admin)
  const ip = await made('/floatingips', { floatingip: { floating_network_id: network.id } })
  assert.equal((await call('DELETE', `/networks/${network.id}`, undefined, admin)).status, 204)
  assert.equal((await call('GET', `/floatingips/${ip.id}`)).status, 404)
})

test('the first network outside comes with a router, once', async () => {
  const { service } = running
  const inside = await service.ensureDefaultNetwork({ projectId: 'delta', name: 'private', cidr: '10.40.0.0/24' })
  const wanted = { projectId: 'delta', name: 'world', insideId: inside.id, cidr: '172.26.4.0/24' }
  await service.ensurePublicNetwork(wanted)
  await service.ensurePublicNetwork(wanted)
  const { routers } = (await call('GET', '/routers', undefined, 'delta:member')).body
  assert.equal(routers.length, 1)
  const port = await made('/ports', { port: { network_id: inside.id } }, 'delta:member')
  const { networks } = (await call('GET', '/networks?name=world', undefined, 'delta:member')).body
  assert.deepEqual([networks.length, networks[0].is_default], [1, true])
  const ip = await made(
    '/floatingips',
    { floatingip: { floating_network_id: networks[0].id, port_id: port.id } },
    'delta:member',
  )
  assert.equal(ip.router_id, routers[0].id)
})
