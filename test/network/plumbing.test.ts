import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { silentLog, systemClock, waitFor } from '#base'
import type { NetworkView, PortView } from '#cloud'
import { createPlumber, dismantleNetwork } from '#network'
import { databaseAt } from '../database/index.ts'
import { type Running, startNetwork } from './harness.ts'
import { type Guest, run, Wires } from './wires.ts'

/** The real thing: nft, dnsmasq and bridges of the product, in a namespace that stands for the host. */

const isRoot = process.getuid?.() === 0
const programs = ['nft', 'dnsmasq', 'busybox', 'dhcp_release', 'conntrack'].filter(program => {
  try {
    execFileSync('which', [program])
    return false
  } catch {
    return true
  }
})
const skip = isRoot
  ? programs.length > 0
    ? `not installed: ${programs.join(', ')}`
    : false
  : 'needs root for network namespaces'

const wires = new Wires()
const host = 'compute-1'
let running: Running
let network: NetworkView
let routerId: string
const bridge = () => `brq${network.id.slice(0, 11)}`

const plumber = () =>
  createPlumber({
    log: silentLog,
    clock: systemClock,
    runDirectory: wires.runDirectory,
    netns: wires.host,
    onMetadata: (socket, { kind }) => socket.end(`${kind} ${socket.remoteAddress}\n`),
    checkEveryMs: 100,
  })
const start = () => startNetwork({ plumber: plumber(), host, folder: join(wires.folder, 'state') })

before(
  async () => {
    if (skip !== false) return
    await wires.up()
    await wires.nameServer('192.0.2.7')
    running = await start()
    network = await running.service.ensureDefaultNetwork({ projectId: 'alpha', name: 'private', cidr: '10.66.0.0/26' })
    const outside = { projectId: 'alpha', name: 'public', cidr: '172.24.4.0/26', insideId: network.id }
    await running.service.ensurePublicNetwork(outside)
    routerId = (await ask('GET', '/v2.0/routers')).routers[0].id
  },
  { timeout: 60_000 },
)
after(async () => {
  if (skip !== false) return
  await running.close()
  await wires.down()
})

const ask = async (method: string, path: string, body?: unknown) => {
  const reply = await running.api(method, path, body, 'alpha:admin')
  assert.ok(reply.status < 300, JSON.stringify(reply.body))
  return reply.body
}
const newPort = async (deviceId: string, more: object = {}): Promise<PortView> => {
  const view = await running.service.port.createPort('service', {
    networkId: network.id,
    projectId: 'alpha',
    deviceId,
    deviceOwner: 'compute:nova',
    bindingHost: host,
    hostname: deviceId,
    ...more,
  })
  await running.service.plugger.plug(view.id)
  return view
}
const ip = (view: PortView): string => view.fixedIps[0]?.ipAddress ?? ''
const boot = async (view: PortView): Promise<Guest> => {
  const guest = await wires.guest(view.id, bridge(), view.macAddress)
  await waitFor('a lease', async () => ((await wires.lease(guest)) === undefined ? undefined : true), {
    deadlineMs: 60_000,
  })
  return guest
}
const newGroup = async (name: string): Promise<string> =>
  (await ask('POST', '/v2.0/security-groups', { security_group: { name } })).security_group.id
const addRule = async (group: string, rule: object): Promise<string> =>
  (
    await ask('POST', '/v2.0/security-group-rules', {
      security_group_rule: { security_group_id: group, direction: 'ingress', ...rule },
    })
  ).security_group_rule.id
const ssh = { protocol: 'tcp', port_range_min: 22, port_range_max: 22 }

let web: PortView
let db: PortView
let webGuest: Guest
let dbGuest: Guest
let webGroup: string
let dbGroup: string

test('a guest gets its port’s address, routes, MTU and name server, and the lease is known', { skip }, async () => {
  webGroup = await newGroup('web')
  dbGroup = await newGroup('db')
  web = await newPort('web', { securityGroupIds: [webGroup] })
  db = await newPort('db', { securityGroupIds: [dbGroup] })
  webGuest = await boot(web)
  dbGuest = await boot(db)
  const lease = await wires.lease(webGuest)
  assert.equal(lease?.ip, ip(web))
  // The highest address of the subnet.
  assert.equal(lease?.serverid, '10.66.0.62')
  assert.equal(lease?.dns, '10.66.0.62')
  assert.equal(lease?.mtu, '1500')
  assert.equal(lease?.domain, 'novalocal')
  assert.equal(lease?.router, '10.66.0.1')
  assert.equal(lease?.staticroutes, '169.254.169.254/32 10.66.0.62 0.0.0.0/0 10.66.0.1')
  assert.equal(lease?.hostname, 'web')
  const [view] = await running.service.port.ports('service', { ids: [web.id] })
  assert.equal(view?.status, 'ACTIVE')
  const stranger = await wires.guest('ffffffff-ffff', bridge(), 'fa:16:3e:ff:ff:ff')
  assert.equal(await wires.lease(stranger), undefined)
  await run('ip', '-n', wires.host, 'link', 'delete', stranger.tap)
  const agents = (await ask('GET', '/v2.0/agents?agent_type=DHCP%20agent')).agents
  assert.deepEqual([agents[0].alive, agents[0].host, agents[0].configurations.networks], [true, host, 1])
})

const metadata = (guest: Guest) =>
  waitFor('metadata', () => wires.greeting(guest.ns, '169.254.169.254', 80), { deadlineMs: 20_000 })

test('a guest reaches the world through its router, and metadata beside DHCP or through the router', {
  skip,
}, async () => {
  await wires.serve(wires.outside, 80)
  assert.equal(await wires.greeting(webGuest.ns, '198.51.100.1', 80), '198.51.100.2')
  assert.equal(await metadata(webGuest), `network ${ip(web)}`)
  await run('ip', '-n', webGuest.ns, 'route', 'delete', '169.254.169.254')
  assert.equal(await metadata(webGuest), `router ${ip(web)}`)
  const { metadataSource } = running.service
  const client = await metadataSource.lookup({ kind: 'network', id: network.id }, ip(web))
  assert.equal(client?.deviceId, 'web')
})

test('names of guests are known in their network, those of the world to the host', { skip }, async () => {
  const named = (name: string, server: string) =>
    run('ip', 'netns', 'exec', webGuest.ns, 'busybox', 'nslookup', '-type=a', name, server)
  assert.match(await named('db.novalocal', '10.66.0.62'), new RegExp(ip(db)))
  assert.match(await named('example.org', '10.66.0.62'), /192\.0\.2\.7/)
  // The gateway passes the question on.
  assert.match(await named('db.novalocal', '10.66.0.1'), new RegExp(ip(db)))
})

test('what no rule allows does not come in, from the host, from a guest, or from outside', { skip }, async () => {
  await wires.serve(dbGuest.ns, 22)
  await wires.serve(dbGuest.ns, 5432)
  await run('ip', '-n', wires.outside, 'route', 'add', '10.66.0.0/26', 'via', '198.51.100.2')
  for (const from of [wires.host, webGuest.ns, wires.outside]) {
    assert.equal(await wires.greeting(from, ip(db), 22), undefined, from)
    assert.equal(await wires.pings(from, ip(db)), false, from)
  }
})

test('a new rule works at once, for exactly its protocol, port, prefix or group', { skip }, async () => {
  await addRule(dbGroup, { ...ssh, remote_ip_prefix: '10.66.0.1/32' })
  assert.equal(await wires.greeting(wires.host, ip(db), 22), '10.66.0.1')
  assert.equal(await wires.greeting(webGuest.ns, ip(db), 22), undefined)
  assert.equal(await wires.greeting(wires.host, ip(db), 5432), undefined)
  await addRule(dbGroup, { protocol: 'tcp', port_range_min: 5000, port_range_max: 6000, remote_group_id: webGroup })
  assert.equal(await wires.greeting(webGuest.ns, ip(db), 5432), ip(web))
  assert.equal(await wires.greeting(wires.host, ip(db), 5432), undefined)
  await addRule(dbGroup, { protocol: 'icmp', port_range_min: 8, port_range_max: 0 })
  assert.equal(await wires.pings(webGuest.ns, ip(db)), true)
  assert.equal(await wires.pings(wires.outside, ip(db)), true)
})

test('a group’s members come and go in the rules of others', { skip }, async () => {
  const late = await newPort('late', { securityGroupIds: [dbGroup] })
  const guest = await boot(late)
  assert.equal(await wires.greeting(guest.ns, ip(db), 5432), undefined)
  await running.service.port.updatePort('service', late.id, { securityGroupIds: [webGroup] })
  assert.equal(await wires.greeting(guest.ns, ip(db), 5432), ip(late))
  await running.service.port.updatePort('service', late.id, { securityGroupIds: [dbGroup] })
  assert.equal(await wires.greeting(guest.ns, ip(db), 5432), undefined)
  await running.service.plugger.unplug(late.id)
  await running.service.port.deletePort('service', late.id)
  assert.match(await run('ip', '-n', wires.host, '-br', 'link'), new RegExp(webGuest.tap))
  assert.doesNotMatch(await run('ip', '-n', wires.host, '-br', 'link'), new RegExp(guest.tap))
})

test('egress rules hold too, judged by what the guest meant', { skip }, async () => {
  const { security_group: group } = await ask('GET', `/v2.0/security-groups/${webGroup}`)
  for (const rule of group.security_group_rules) {
    if (rule.direction === 'egress') await ask('DELETE', `/v2.0/security-group-rules/${rule.id}`)
  }
  assert.equal(await wires.greeting(webGuest.ns, '198.51.100.1', 80), undefined)
  assert.equal(await wires.greeting(webGuest.ns, '169.254.169.254', 80), undefined)
  assert.equal(await wires.greeting(webGuest.ns, ip(db), 5432), undefined)
  await addRule(webGroup, {
    direction: 'egress',
    protocol: 'tcp',
    port_range_min: 80,
    port_range_max: 80,
    remote_ip_prefix: '169.254.169.254/32',
  })
  assert.equal(await metadata(webGuest), `router ${ip(web)}`)
  assert.equal(await wires.greeting(webGuest.ns, '198.51.100.1', 80), undefined)
  assert.notEqual(await wires.lease(webGuest), undefined)
  await addRule(webGroup, { direction: 'egress', ethertype: 'IPv4' })
  await addRule(webGroup, { direction: 'egress', ethertype: 'IPv6' })
  assert.equal(await wires.greeting(webGuest.ns, '198.51.100.1', 80), '198.51.100.2')
})

test('forged MAC and IP addresses go nowhere', { skip }, async () => {
  await addRule(webGroup, { protocol: 'icmp' })
  assert.equal(await wires.pings(dbGuest.ns, ip(web)), true)
  await run('ip', '-n', dbGuest.ns, 'addr', 'add', '10.66.0.50/26', 'dev', 'eth0')
  const forged = ['netns', 'exec', dbGuest.ns, 'busybox', 'ping', '-c', '1', '-W', '1', '-I', '10.66.0.50', '10.66.0.1']
  await assert.rejects(run('ip', ...forged))
  await run('ip', '-n', dbGuest.ns, 'addr', 'delete', '10.66.0.50/26', 'dev', 'eth0')
  await run('ip', '-n', dbGuest.ns, 'link', 'set', 'eth0', 'address', 'fa:16:3e:99:99:99')
  assert.equal(await wires.pings(dbGuest.ns, '10.66.0.1'), false)
  await run('ip', '-n', dbGuest.ns, 'link', 'set', 'eth0', 'address', db.macAddress)
  assert.notEqual(await wires.lease(dbGuest), undefined)
  assert.equal(await wires.pings(dbGuest.ns, ip(web)), true)
})

test('IPv6 between guests obeys the rules as well', { skip }, async () => {
  const linkLocal = async (ns: string) =>
    /fe80[0-9a-f:]+/.exec(await run('ip', '-n', ns, '-6', 'addr', 'show', 'dev', 'eth0'))?.[0] ?? ''
  const target = `${await linkLocal(webGuest.ns)}%eth0`
  const ping = () =>
    run('ip', 'netns', 'exec', dbGuest.ns, 'busybox', 'ping6', '-c', '1', '-W', '2', target).then(
      () => true,
      () => false,
    )
  assert.equal(await ping(), false)
  const rule = await addRule(webGroup, { protocol: 'ipv6-icmp', ethertype: 'IPv6' })
  assert.equal(
    await waitFor('an IPv6 echo', async () => ((await ping()) ? true : undefined), { deadlineMs: 60_000 }),
    true,
  )
  await ask('DELETE', `/v2.0/security-group-rules/${rule}`)
})

test('an open connection survives other changes and a rebuild; a removed rule ends it', { skip }, async () => {
  const rule = await addRule(dbGroup, { ...ssh, remote_group_id: webGroup })
  const say = await wires.connection(webGuest.ns, ip(db), 22)
  assert.equal(await say('one'), true)
  await addRule(dbGroup, { protocol: 'tcp', port_range_min: 9, port_range_max: 9 })
  assert.equal(await say('two'), true)
  await running.service.reconcile()
  assert.equal(await say('three'), true)
  await ask('DELETE', `/v2.0/security-group-rules/${rule}`)
  assert.equal(await say('four'), false)
})

test('two networks with the same addresses do not meet, and each has its own metadata', { skip }, async () => {
  const net = (await ask('POST', '/v2.0/networks', { network: { name: 'same' } })).network
  await ask('POST', '/v2.0/subnets', { subnet: { network_id: net.id, ip_version: 4, cidr: '10.66.0.0/26' } })
  const twin = await newPort('twin', {
    networkId: net.id,
    securityGroupIds: [dbGroup],
    fixedIps: [{ ipAddress: ip(db) }],
  })
  const guest = await wires.guest(twin.id, `brq${net.id.slice(0, 11)}`, twin.macAddress)
  const lease = await wires.lease(guest)
  assert.deepEqual([lease?.ip, lease?.hostname], [ip(db), 'twin'])
  assert.equal(await metadata(guest), `network ${ip(db)}`)
  const { metadataSource } = running.service
  assert.equal((await metadataSource.lookup({ kind: 'network', id: net.id }, ip(db)))?.deviceId, 'twin')
  assert.equal((await metadataSource.lookup({ kind: 'network', id: network.id }, ip(db)))?.deviceId, 'db')
  await wires.serve(guest.ns, 5433)
  // Without a router there is no way out, and nobody but the network's own guests is there.
  assert.equal(await wires.greeting(guest.ns, '198.51.100.1', 80), undefined)
  assert.equal(await wires.pings(guest.ns, ip(web)), false)
  assert.equal(await wires.greeting(webGuest.ns, ip(db), 5433), undefined)
  assert.equal(await wires.greeting(wires.host, ip(db), 5433), undefined)
  await running.service.port.deletePort('service', twin.id)
  assert.doesNotMatch(await run('ip', '-n', wires.host, '-br', 'link'), new RegExp(`brq${net.id.slice(0, 11)}`))
  assert.doesNotMatch(await run('ip', 'netns', 'list'), new RegExp(net.id))
})

const pidFile = () => join(wires.folder, 'run', network.id, 'pid')
/** 0 while there is none: dnsmasq removes and writes the file itself. */
const dnsmasqPid = (): number => (existsSync(pidFile()) ? Number(readFileSync(pidFile(), 'utf8')) : 0)

test('dnsmasq is started again after a kill, and knows the leases', { skip }, async () => {
  const before = dnsmasqPid()
  process.kill(before, 'SIGKILL')
  await waitFor('a new dnsmasq', () => ([0, before].includes(dnsmasqPid()) ? undefined : true), { deadlineMs: 60_000 })
  const lines = readFileSync(join(wires.folder, 'run', network.id, 'leases'), 'utf8')
  assert.match(lines, new RegExp(`${web.macAddress} ${ip(web)} web`))
  assert.equal((await wires.lease(webGuest))?.ip, ip(web))
})

test('without the control plane guests still renew; the next one adopts what runs', { skip }, async () => {
  const before = dnsmasqPid()
  const { service } = running
  await service.close()
  assert.equal((await wires.lease(webGuest))?.ip, ip(web))
  assert.equal(await wires.pings(dbGuest.ns, ip(web)), true)
  running = await start()
  assert.equal(dnsmasqPid(), before)
  assert.equal(await wires.pings(dbGuest.ns, ip(web)), true)
})

test('after everything was wiped it is all built again, and leftovers go', { skip }, async () => {
  await running.service.close()
  await run('ip', 'netns', 'exec', wires.host, 'nft', 'flush', 'ruleset')
  process.kill(dnsmasqPid(), 'SIGKILL')
  await run('ip', '-n', wires.host, 'link', 'delete', bridge())
  await run('ip', 'netns', 'delete', `qdhcp-${network.id}`)
  // A name without a namespace, as a making leaves it that is cut short.
  await run('ip', 'netns', 'delete', `qrouter-${routerId}`)
  writeFileSync(`/run/netns/qrouter-${routerId}`, '')
  running = await start()
  await run('ip', '-n', wires.host, 'link', 'set', webGuest.tap, 'master', bridge())
  await run('ip', '-n', wires.host, 'link', 'set', dbGuest.tap, 'master', bridge())
  assert.equal((await wires.lease(webGuest))?.ip, ip(web))
  assert.equal(await wires.greeting(webGuest.ns, ip(db), 5432), ip(web))
  assert.equal(await wires.greeting(wires.host, ip(db), 5432), undefined)
  const table = /nova-network-[0-9a-f]{8}/.exec(
    await run('ip', 'netns', 'exec', wires.host, 'nft', 'list', 'tables'),
  )?.[0]
  assert.ok(table !== undefined)
  await run('ip', '-n', wires.host, 'link', 'add', 'brqleftover', 'type', 'bridge')
  await run('ip', '-n', wires.host, 'link', 'set', 'brqleftover', 'alias', table)
  const stray = `qdhcp-stray-${process.pid}`
  writeFileSync(join(wires.runDirectory, 'namespaces', stray), '')
  await run('ip', 'netns', 'add', stray)
  await running.service.reconcile()
  assert.doesNotMatch(await run('ip', '-n', wires.host, '-br', 'link'), /brqleftover/)
  assert.doesNotMatch(await run('ip', 'netns', 'list'), new RegExp(stray))
  assert.equal(await wires.greeting(webGuest.ns, '198.51.100.1', 80), '198.51.100.2')
})

test('a freed address serves the next guest at once', { skip }, async () => {
  const first = await newPort('first')
  const firstGuest = await boot(first)
  await running.service.plugger.unplug(first.id)
  await running.service.port.deletePort('service', first.id)
  const second = await newPort('second', { fixedIps: [{ ipAddress: ip(first) }] })
  const guest = await wires.guest(second.id, bridge(), second.macAddress)
  assert.equal((await wires.lease(guest))?.ip, ip(first))
  assert.notEqual(guest.ns, firstGuest.ns)
})

test('without port security nothing is filtered', { skip }, async () => {
  const open = await newPort('open')
  const guest = await boot(open)
  assert.equal(await wires.pings(wires.host, ip(open)), false)
  await ask('PUT', `/v2.0/ports/${open.id}`, { port: { port_security_enabled: false, security_groups: [] } })
  assert.equal(await wires.pings(wires.host, ip(open)), true)
  await run('ip', '-n', guest.ns, 'addr', 'add', '10.66.0.51/26', 'dev', 'eth0')
  assert.equal(await wires.pings(wires.host, '10.66.0.51'), true)
})

test('with the last port its bridge and daemon go', { skip }, async () => {
  const pid = dnsmasqPid()
  for (const view of await running.service.port.ports('service', {}))
    if (view.deviceOwner === 'compute:nova') await running.service.port.deletePort('service', view.id)
  assert.doesNotMatch(await run('ip', 'netns', 'list'), new RegExp(`${network.id}|${routerId}`))
  assert.doesNotMatch(await run('ip', '-n', wires.host, '-br', 'link'), /brq|tap|nvq/)
  // An ended process without a reaper keeps its number and loses its command line.
  const line = existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : ''
  assert.equal(line, '')
})

test('all of it is taken off the machine, also what was made half', { skip }, async () => {
  await newPort('last')
  await running.close()
  // A making that was cut short leaves it without our mark.
  await run('ip', '-n', wires.host, 'link', 'set', bridge(), 'alias', '')
  await dismantleNetwork(await databaseAt(join(wires.folder, 'state'), 'network'), plumber(), silentLog)
  assert.doesNotMatch(await run('ip', '-n', wires.host, '-br', 'link'), /brq|nvq/)
  assert.doesNotMatch(await run('ip', 'netns', 'list'), new RegExp(`${network.id}|${routerId}`))
  assert.doesNotMatch(await run('ip', 'netns', 'exec', wires.host, 'nft', 'list', 'tables'), /nova-network/)
  assert.equal(existsSync(wires.runDirectory), false)
})
