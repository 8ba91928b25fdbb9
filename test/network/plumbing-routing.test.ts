import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { silentLog, systemClock, waitFor } from '#base'
import type { PortView } from '#cloud'
import { createPlumber } from '#network'
import { type Running, startNetwork } from './harness.ts'
import { type Guest, run, Wires } from './wires.ts'

/** Routers and floating addresses for real: guests of two networks, a host and the world, each a namespace. */

const missing = ['nft', 'dnsmasq', 'busybox', 'dhcp_release', 'conntrack'].filter(program => {
  try {
    execFileSync('which', [program])
    return false
  } catch {
    return true
  }
})
const isRoot = process.getuid?.() === 0
const skip = !isRoot
  ? 'needs root for network namespaces'
  : missing.length > 0 && `not installed: ${missing.join(', ')}`

const wires = new Wires()
const host = 'compute-1'
let running: Running
let publicId: string
let routerId: string
const subnetIds: Record<string, string> = {}
const networkIds: Record<string, string> = {}

const ask = async (method: string, path: string, body?: unknown) => {
  const reply = await running.api(method, `/v2.0${path}`, body, 'alpha:admin')
  assert.ok(reply.status < 300, JSON.stringify(reply.body))
  return reply.body
}

async function newNetwork(name: string, cidr: string, more: object = {}): Promise<void> {
  const { network } = await ask('POST', '/networks', { network: { name, ...more } })
  const { subnet } = await ask('POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr } })
  networkIds[name] = network.id
  subnetIds[name] = subnet.id
}

const bridge = (networkId: string): string => `brq${networkId.slice(0, 11)}`
const ip = (view: PortView): string => view.fixedIps[0]?.ipAddress ?? ''

interface Server {
  readonly port: PortView
  readonly guest: Guest
}

async function boot(name: string, networkId: string): Promise<Server> {
  const port = await running.service.port.createPort('service', {
    networkId,
    projectId: 'alpha',
    deviceId: name,
    deviceOwner: 'compute:nova',
    bindingHost: host,
    hostname: name,
  })
  await running.service.plugger.plug(port.id)
  const guest = await wires.guest(port.id, bridge(networkId), port.macAddress)
  const lease = async () => ((await wires.lease(guest)) === undefined ? undefined : true)
  await waitFor('a lease', lease, { deadlineMs: 60_000 })
  return { port, guest }
}

let web: Server
let twin: Server
let db: Server

before(
  async () => {
    if (skip !== false) return
    await wires.up()
    const options = { log: silentLog, clock: systemClock, netns: wires.host, checkEveryMs: 100 }
    const plumber = createPlumber({ ...options, runDirectory: wires.runDirectory })
    running = await startNetwork({ plumber, host, folder: join(wires.folder, 'state') })
    await newNetwork('front', '10.66.0.0/26')
    await newNetwork('back', '10.68.0.0/26')
    await newNetwork('public', '172.24.4.0/26', { 'router:external': true })
    publicId = networkIds.public ?? ''
    const groups = (await ask('GET', '/security-groups?project_id=alpha')).security_groups
    const security_group_id = groups[0].id
    for (const protocol of ['icmp', 'tcp']) {
      const security_group_rule = { security_group_id, direction: 'ingress', protocol }
      await ask('POST', '/security-group-rules', { security_group_rule })
    }
    web = await boot('web', networkIds.front ?? '')
    twin = await boot('twin', networkIds.front ?? '')
    db = await boot('db', networkIds.back ?? '')
    routerId = (await ask('POST', '/routers', { router: { name: 'r' } })).router.id
    await run('ip', '-n', wires.outside, 'route', 'add', '172.24.4.0/26', 'via', '198.51.100.2')
    for (const { guest } of [web, db]) await wires.serve(guest.ns, 22)
    await wires.serve(wires.outside, 80)
  },
  { timeout: 120_000 },
)
after(async () => {
  if (skip !== false) return
  await (running as Running | undefined)?.close()
  await wires.down()
})

const join2 = (name: string) => ask('PUT', `/routers/${routerId}/add_router_interface`, { subnet_id: subnetIds[name] })

test('two networks meet where a router joins them, and only while it is up', { skip }, async () => {
  await join2('front')
  assert.equal(await wires.pings(web.guest.ns, ip(db.port)), false)
  await join2('back')
  assert.equal(await wires.greeting(web.guest.ns, ip(db.port), 22), ip(web.port))
  assert.equal(await wires.pings(db.guest.ns, ip(web.port)), true)
  await ask('PUT', `/routers/${routerId}`, { router: { admin_state_up: false } })
  assert.equal(await wires.greeting(web.guest.ns, ip(db.port), 22), undefined)
  await ask('PUT', `/routers/${routerId}`, { router: { admin_state_up: true } })
  assert.equal(await wires.pings(web.guest.ns, ip(db.port)), true)
})

test('a gateway brings the external network to this host', { skip }, async () => {
  const gateway = { external_gateway_info: { network_id: publicId } }
  const { router } = await ask('PUT', `/routers/${routerId}`, { router: gateway })
  const address = router.external_gateway_info.external_fixed_ips[0].ip_address
  assert.match(await run('ip', '-n', wires.host, '-br', 'addr', 'show', 'dev', bridge(publicId)), /172\.24\.4\.1\/26/)
  assert.match(await run('ip', '-n', `qrouter-${routerId}`, '-br', 'addr'), new RegExp(`qg-.*${address}/26`))
  const { ports } = await ask('GET', '/ports?device_owner=network:router_gateway')
  assert.deepEqual([ports[0].status, ports[0]['binding:host_id']], ['ACTIVE', host])
  assert.equal(await wires.pings(wires.outside, address), true)
  const { agents } = await ask('GET', '/agents?agent_type=L3%20agent')
  assert.deepEqual([agents[0].alive, agents[0].configurations.routers], [true, 1])
  assert.equal(await wires.greeting(web.guest.ns, '198.51.100.1', 80), '198.51.100.2')
})

let floatingId: string
let floating: string

test('a floating address leads to its server, from the world, this host and other guests', { skip }, async () => {
  const wish = { floating_network_id: publicId, port_id: web.port.id }
  const { floatingip } = await ask('POST', '/floatingips', { floatingip: wish })
  floatingId = floatingip.id
  floating = floatingip.floating_ip_address
  assert.equal(await wires.pings(wires.outside, floating), true)
  assert.equal(await wires.greeting(wires.outside, floating, 22), '198.51.100.1')
  assert.equal(await wires.greeting(wires.host, floating, 22), '172.24.4.1')
  // Guests meet it as they meet the outside: under the router's address.
  const { router } = await ask('GET', `/routers/${routerId}`)
  const hidden = router.external_gateway_info.external_fixed_ips[0].ip_address
  assert.equal(await wires.greeting(db.guest.ns, floating, 22), hidden)
  assert.equal(await wires.greeting(twin.guest.ns, floating, 22), hidden)
  assert.equal(await wires.greeting(web.guest.ns, '198.51.100.1', 80), '198.51.100.2')
})

test('it obeys the rules of the port it is on', { skip }, async () => {
  const { security_group } = await ask('POST', '/security-groups', { security_group: { name: 'closed' } })
  const groups = (id: string[]) => ask('PUT', `/ports/${web.port.id}`, { port: { security_groups: id } })
  await groups([security_group.id])
  assert.equal(await wires.greeting(wires.outside, floating, 22), undefined)
  assert.equal(await wires.greeting(db.guest.ns, floating, 22), undefined)
  await groups([...web.port.securityGroupIds])
  assert.equal(await wires.greeting(wires.outside, floating, 22), '198.51.100.1')
})

test('it moves to another server with everything open on it ended, and survives a rebuild', { skip }, async () => {
  const say = await wires.connection(wires.outside, floating, 22)
  assert.equal(await say('one'), true)
  await running.service.reconcile()
  assert.equal(await say('two'), true)
  await ask('PUT', `/floatingips/${floatingId}`, { floatingip: { port_id: db.port.id } })
  assert.equal(await say('three'), false)
  assert.equal(await wires.greeting(wires.outside, floating, 22), '198.51.100.1')
  assert.equal(await wires.greeting(db.guest.ns, ip(web.port), 22), ip(db.port))
})

test('an extra route leads beyond a guest that lets strangers through, and only for the router’s networks', {
  skip,
}, async () => {
  const beyond = '203.0.113.5'
  await run('ip', '-n', twin.guest.ns, 'addr', 'add', `${beyond}/32`, 'dev', 'lo')
  await ask('PUT', `/ports/${twin.port.id}`, { port: { port_security_enabled: false, security_groups: [] } })
  assert.equal(await wires.pings(db.guest.ns, beyond), false)
  // No packet can be sent to a subnet's last address: what a user asks of his router in vain is his own loss.
  const vain = { destination: '192.0.2.0/24', nexthop: '10.66.0.63' }
  const routes = [vain, { destination: '203.0.113.0/24', nexthop: ip(twin.port) }]
  await ask('PUT', `/routers/${routerId}`, { router: { routes } })
  assert.equal(await wires.pings(db.guest.ns, beyond), true)
  assert.equal(await wires.pings(wires.host, beyond), false)
  await running.service.reconcile()
  assert.equal(await wires.pings(db.guest.ns, beyond), true)
  await ask('PUT', `/routers/${routerId}`, { router: { routes: [] } })
  assert.equal(await wires.pings(db.guest.ns, beyond), false)
})

test('IPv6: a network announces its prefix, a router that it is the way out', { skip }, async () => {
  const { network } = await ask('POST', '/networks', { network: { name: 'six' } })
  const modes = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' }
  const wish = { network_id: network.id, ip_version: 6, cidr: 'fd00:66::/64', ...modes }
  const { subnet } = await ask('POST', '/subnets', { subnet: wish })
  const port = await running.service.port.createPort('service', {
    networkId: network.id,
    projectId: 'alpha',
    deviceId: 'six',
    deviceOwner: 'compute:nova',
    bindingHost: host,
  })
  const { ns } = await wires.guest(port.id, bridge(network.id), port.macAddress)
  const shown = (what: string) => run('ip', '-n', ns, '-6', what, 'show', 'dev', 'eth0')
  await waitFor('the address', async () => ((await shown('addr')).includes(ip(port)) ? true : undefined), {
    deadlineMs: 30_000,
  })
  assert.doesNotMatch(await shown('route'), /default/)
  const path = `/routers/${routerId}`
  await ask('PUT', `${path}/add_router_interface`, { subnet_id: subnet.id })
  await waitFor('a default route', async () => (/default via fe80/.test(await shown('route')) ? true : undefined), {
    deadlineMs: 30_000,
  })
  await run('ip', 'netns', 'exec', ns, 'busybox', 'ping6', '-c', '1', '-W', '5', 'fd00:66::1')
  // There is no IPv6 with so small packets, and no trouble about that.
  const dhcp = () => run('ip', '-n', `qdhcp-${network.id}`, 'addr')
  await ask('PUT', `/networks/${network.id}`, { network: { mtu: 1000 } })
  assert.match(await dhcp(), /ns-.* mtu 1000 /)
  await ask('PUT', `/networks/${network.id}`, { network: { mtu: 1500 } })
  assert.match(await dhcp(), /ns-.* mtu 1500 [\s\S]* inet6 fd00:66::/)
  await ask('PUT', `${path}/remove_router_interface`, { subnet_id: subnet.id })
  await running.service.port.deletePort('service', port.id)
})

test('what is taken back leaves nothing behind', { skip }, async () => {
  await ask('DELETE', `/floatingips/${floatingId}`)
  assert.equal(await wires.pings(wires.outside, floating), false)
  await ask('PUT', `/routers/${routerId}`, { router: { external_gateway_info: null } })
  assert.doesNotMatch(await run('ip', '-n', wires.host, '-br', 'link'), new RegExp(bridge(publicId)))
  for (const name of ['front', 'back']) {
    await ask('PUT', `/routers/${routerId}/remove_router_interface`, { subnet_id: subnetIds[name] })
  }
  assert.equal(await wires.pings(web.guest.ns, ip(db.port)), false)
  await ask('DELETE', `/routers/${routerId}`)
})

test('an external network that collides with the host stays away, and says why', { skip }, async () => {
  await newNetwork('clash', '198.51.100.0/25', { 'router:external': true })
  const gateway = { external_gateway_info: { network_id: networkIds.clash } }
  const { router } = await ask('POST', '/routers', { router: gateway })
  const { ports } = await ask('GET', `/ports?device_id=${router.id}`)
  assert.deepEqual([ports[0].status, ports[0]['binding:vif_type']], ['DOWN', 'binding_failed'])
  assert.match(ports[0]['binding:vif_details'].binding_failed_reason, /collides with a route of this host/)
})
