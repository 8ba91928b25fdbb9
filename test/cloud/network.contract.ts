import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { newUuid } from '#base'
import {
  type Caller,
  FixedIpInUse,
  NetworkBadRequest,
  NetworkConflict,
  NetworkExhausted,
  NetworkMissing,
  NetworkNotFound,
  NoMoreFixedIps,
  PortInUseByOther,
  PortNotFound,
  PortQuotaExceeded,
  type PortView,
  SecurityGroupNotFound,
} from '#cloud'
import type { Rest } from './rest.ts'
import { newPerson, type Person, unique, type World } from './world.ts'

export function networkContract(how: string, world: () => World): void {
  let person: Person
  let owner: Caller
  let stranger: Caller
  let networkId: string
  let subnetId: string

  /** Networks of this run alone: others may have had the cloud before. */
  const name = unique(`net ${how}`)

  const aNetwork = async (cidr: string, as: Rest = person.rest, attributes: object = {}) => {
    const made = { network: { name, ...attributes } }
    const { network } = await as.call<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', made)
    const subnet = { network_id: network.id, ip_version: 4, cidr, dns_nameservers: ['9.9.9.9'] }
    const done = await as.call<{ subnet: { id: string } }>('network', 'POST', '/v2.0/subnets', { subnet })
    return { networkId: network.id, subnetId: done.subnet.id }
  }
  const request = (other: object = {}) => ({
    networkId,
    projectId: owner.projectId ?? '',
    deviceId: newUuid(),
    deviceOwner: 'compute:nova',
    ...other,
  })

  before(async () => {
    person = await newPerson(world(), `net owner ${how}`)
    owner = person.caller
    stranger = (await newPerson(world(), `net stranger ${how}`)).caller
    ;({ networkId, subnetId } = await aNetwork('10.1.0.0/24'))
  })

  test(`${how}: networks and subnets in full, by id and by name`, async () => {
    const { ports } = world()
    const [network] = await ports.network.networks(owner, { ids: [networkId] })
    const { mtu, ...seen } = network ?? assert.fail('the network is not seen')
    assert.deepEqual(seen, {
      id: networkId,
      name,
      projectId: owner.projectId,
      isShared: false,
      isExternal: false,
      isUp: true,
      subnetIds: [subnetId],
      isPortSecurityEnabled: true,
    })
    assert.ok(mtu >= 1280 && mtu <= 9000, String(mtu))
    const named = await ports.network.networks(owner, { names: [name] })
    assert.deepEqual(
      named.map(n => n.id),
      [networkId],
    )
    assert.deepEqual(await ports.network.networks(stranger, { ids: [networkId] }), [])
    assert.deepEqual(await ports.network.networks('service', { ids: [] }), [])
    assert.deepEqual(await ports.network.subnets('service', [subnetId]), [
      {
        id: subnetId,
        networkId,
        cidr: '10.1.0.0/24',
        ipVersion: 4,
        gatewayIp: '10.1.0.1',
        isDhcpEnabled: true,
        dnsNameservers: ['9.9.9.9'],
        hostRoutes: [],
        ipv6AddressMode: null,
        ipv6RaMode: null,
        segmentId: null,
        dhcpServer: '10.1.0.1',
      },
    ])
  })

  test(`${how}: a project's own networks come before shared ones`, async () => {
    const { admin, ports } = world()
    const shared = await aNetwork('10.9.0.0/24', admin, { shared: true })
    const own = await ports.network.availableNetworks(owner, owner.projectId ?? '')
    assert.ok(own.length > 0 && own.every(n => n.projectId === owner.projectId))
    const lent = await ports.network.availableNetworks(stranger, stranger.projectId ?? '')
    assert.ok(lent.some(n => n.id === shared.networkId))
    await admin.call('network', 'PUT', `/v2.0/networks/${shared.networkId}`, { network: { shared: false } })
  })

  test(`${how}: a port is made bound, found, changed, unbound and deleted`, async () => {
    const { ports } = world()
    const wanted = request({ bindingHost: 'host-1', fixedIps: [{ ipAddress: '10.1.0.50' }] })
    const port = await ports.network.createPort('service', wanted)
    // Details may grow until the binding is done.
    const withoutDetails = ({ vifDetails: _details, ...rest }: PortView) => rest
    const [same] = await ports.network.ports('service', { ids: [port.id] })
    assert.deepEqual(same && withoutDetails(same), withoutDetails(port))
    assert.equal(port.vifDetails['port_filter'], true)
    assert.deepEqual(port.fixedIps, [{ subnetId, ipAddress: '10.1.0.50' }])
    assert.deepEqual([port.bindingHost, port.vifType, port.projectId], ['host-1', 'bridge', owner.projectId])
    const found = await ports.network.ports('service', { deviceId: wanted.deviceId })
    assert.deepEqual(
      found.map(p => p.id),
      [port.id],
    )
    const unbound = { deviceId: '', deviceOwner: '', bindingHost: '' }
    const freed = await ports.network.updatePort('service', port.id, unbound)
    assert.deepEqual([freed.deviceId, freed.bindingHost, freed.vifType], ['', '', 'unbound'])
    await ports.network.deletePort('service', port.id)
    await ports.network.deletePort('service', port.id)
    assert.deepEqual(await ports.network.ports('service', { ids: [port.id] }), [])
  })

  test(`${how}: a port belongs to whoever took it first`, async () => {
    const { network } = world().ports
    const port = await network.createPort(owner, request())
    await assert.rejects(network.updatePort('service', port.id, { deviceId: newUuid() }), PortInUseByOther.is)
    const again = await network.updatePort('service', port.id, { deviceId: port.deviceId, bindingHost: 'host-2' })
    assert.equal(again.bindingHost, 'host-2')
    await assert.rejects(network.updatePort('service', newUuid(), { deviceId: 'x' }), PortNotFound.is)
    await assert.rejects(network.updatePort(stranger, port.id, { deviceId: '' }), PortNotFound.is)
    await network.deletePort(owner, port.id)
  })

  test(`${how}: a port gets a second binding, moves to it, and loses the first`, async () => {
    const { network } = world().ports
    const [one, two] = [
      await network.createPort('service', request({ bindingHost: 'host-1' })),
      await network.createPort('service', request({ bindingHost: 'host-1' })),
    ]
    const ids = [one.id, two.id]
    const made = await network.addTargetBindings(ids, 'host-2')
    assert.deepEqual(
      made.map(b => [b.portId, b.host, b.vnicType, b.vifType]),
      ids.map(id => [id, 'host-2', 'normal', 'bridge']),
    )
    assert.deepEqual(await network.addTargetBindings(ids, 'host-2'), made)
    const hosts = async () => (await network.ports('service', { ids })).map(p => p.bindingHost)
    assert.deepEqual(await hosts(), ['host-1', 'host-1'])
    await network.activateTargetBindings(ids, 'host-2')
    await network.activateTargetBindings(ids, 'host-2')
    assert.deepEqual(await hosts(), ['host-2', 'host-2'])
    // The active binding is none of those that are dropped.
    await network.dropTargetBindings(ids, 'host-2')
    await network.activateTargetBindings([one.id], 'host-1')
    await network.dropTargetBindings(ids, 'host-2')
    await network.dropTargetBindings(ids, 'host-1')
    await network.dropTargetBindings([newUuid()], 'host-1')
    assert.deepEqual((await hosts()).toSorted(), ['host-1', 'host-2'])
    await assert.rejects(network.activateTargetBindings([one.id], 'host-2'))
    for (const id of ids) await network.deletePort('service', id)
  })

  test(`${how}: refusals come in Nova's words`, async () => {
    const { network } = world().ports
    await assert.rejects(network.createPort('service', request({ networkId: newUuid() })), NetworkNotFound.is)
    const foreign = request({ projectId: stranger.projectId })
    await assert.rejects(network.createPort(stranger, foreign), NetworkNotFound.is)
    const group = newUuid()
    await assert.rejects(network.createPort(owner, request({ securityGroupIds: [group] })), error => {
      assert.ok(SecurityGroupNotFound.is(error))
      assert.equal(error.params.id, group)
      return true
    })
    const holder = request({ fixedIps: [{ ipAddress: '10.1.0.77' }] })
    await network.createPort('service', holder)
    await assert.rejects(network.createPort('service', { ...holder, deviceId: newUuid() }), error => {
      assert.ok(FixedIpInUse.is(error))
      assert.deepEqual(error.params, { address: '10.1.0.77', id: holder.deviceId })
      return true
    })
    const tiny = await aNetwork('10.2.0.0/30')
    const onTiny = request({ networkId: tiny.networkId })
    await network.createPort('service', onTiny)
    await assert.rejects(network.createPort('service', onTiny), NoMoreFixedIps.is)
  })

  test(`${how}: groups and rules are made, changed, found and deleted, refused in the network's words`, async () => {
    const { network } = world().ports
    const made = await network.createSecurityGroup(owner, 'web', 'servers')
    assert.deepEqual([made.name, made.description, made.projectId], ['web', 'servers', owner.projectId])
    const changed = await network.changeSecurityGroup(owner, made.id, 'www', '')
    assert.deepEqual(await network.securityGroups(owner, { ids: [made.id] }), [changed])
    assert.deepEqual(await network.securityGroups(stranger, { ids: [made.id] }), [])
    assert.ok((await network.securityGroups('service', {})).some(g => g.id === made.id))
    const wish = {
      groupId: made.id,
      ethertype: 'IPv4',
      protocol: 'tcp',
      portMin: 22,
      portMax: 23,
      remoteIpPrefix: '10.0.0.0/8',
      remoteGroupId: null,
    } as const
    const rule = await network.createSecurityGroupRule(owner, wish)
    const { ethertype: _family, ...expected } = wish
    assert.deepEqual(rule, { ...expected, id: rule.id, direction: 'ingress' })
    assert.deepEqual(await network.securityGroupRule(owner, rule.id), rule)
    assert.equal(await network.securityGroupRule(stranger, rule.id), undefined)
    await assert.rejects(network.createSecurityGroupRule(owner, wish), NetworkConflict.is)
    await assert.rejects(network.createSecurityGroupRule(owner, { ...wish, portMax: 1 }), NetworkBadRequest.is)
    await assert.rejects(network.deleteSecurityGroup(stranger, made.id), NetworkMissing.is)
    await network.deleteSecurityGroupRule(owner, rule.id)
    await network.deleteSecurityGroup(owner, made.id)
    await assert.rejects(network.deleteSecurityGroup(owner, made.id), error => {
      assert.ok(NetworkMissing.is(error))
      assert.equal(error.message, `Security group ${made.id} does not exist`)
      return true
    })
  })

  test(`${how}: a port gets further addresses, and a floating one of its own`, async () => {
    const { admin, ports } = world()
    const { network } = ports
    const outside = await aNetwork('172.24.4.0/29', admin, { 'router:external': true })
    const inside = await aNetwork('10.3.0.0/24')
    const wish = { name: how, external_gateway_info: { network_id: outside.networkId } }
    const routers = '/v2.0/routers'
    const made = await person.rest.call<{ router: { id: string } }>('network', 'POST', routers, { router: wish })
    const join = `${routers}/${made.router.id}/add_router_interface`
    await person.rest.call('network', 'PUT', join, { subnet_id: inside.subnetId })
    const pools = await network.networks(owner, { isExternal: true })
    assert.ok(pools.some(n => n.id === outside.networkId) && pools.every(n => n.isExternal))
    assert.deepEqual(
      (await network.subnetsOfNetwork(owner, inside.networkId)).map(s => s.id),
      [inside.subnetId],
    )
    assert.deepEqual(await network.subnetsOfNetwork(stranger, inside.networkId), [])

    const port = await network.createPort(owner, request({ networkId: inside.networkId }))
    const [first] = port.fixedIps
    const more = { subnetId: inside.subnetId, ipAddress: '10.3.0.99' }
    const wider = await network.updatePort('service', port.id, { fixedIps: [...port.fixedIps, more] })
    assert.deepEqual(wider.fixedIps, [first, more])
    const ip = await network.createFloatingIp(owner, outside.networkId)
    assert.deepEqual([ip.networkId, ip.projectId, ip.portId], [outside.networkId, owner.projectId, null])
    await network.changeFloatingIp(owner, ip.id, { portId: port.id, fixedAddress: '10.3.0.99' })
    const [now] = await network.ports('service', { ids: [port.id] })
    assert.deepEqual(now?.floatingIps, [{ address: ip.address, fixedAddress: '10.3.0.99' }])
    const [found] = await network.floatingIps(owner, { addresses: [ip.address] })
    assert.deepEqual(found, { ...ip, portId: port.id, fixedAddress: '10.3.0.99' })
    assert.deepEqual(await network.floatingIps(stranger, { ids: [ip.id] }), [])
    await assert.rejects(network.changeFloatingIp(stranger, ip.id, null), NetworkMissing.is)
    await network.changeFloatingIp(owner, ip.id, null)
    assert.equal((await network.floatingIps(owner, { ids: [ip.id] }))[0]?.portId, null)
    await assert.rejects(network.createFloatingIp(owner, inside.networkId), NetworkBadRequest.is)
    await network.createFloatingIp(owner, outside.networkId)
    await network.createFloatingIp(owner, outside.networkId)
    await network.createFloatingIp(owner, outside.networkId)
    await assert.rejects(network.createFloatingIp(owner, outside.networkId), NetworkExhausted.is)
    await network.deleteFloatingIp(owner, ip.id)
    await assert.rejects(network.deleteFloatingIp(owner, ip.id), NetworkMissing.is)
  })

  test(`${how}: groups and quota of a project`, async () => {
    const { admin, ports } = world()
    const projectId = owner.projectId ?? ''
    const groups = await ports.network.securityGroups(owner, projectId)
    assert.deepEqual(
      groups.map(g => [g.name, g.description, g.projectId]),
      [['default', 'Default security group', projectId]],
    )
    const groupIds = groups.map(g => g.id)
    const [groupId] = groupIds
    const rules = await ports.network.securityGroupRules(owner, groupIds)
    const any = { groupId, protocol: null, portMin: null, portMax: null, remoteIpPrefix: null }
    const plain = rules.map(({ id: _id, ...rule }) => rule).toSorted((a, b) => (a.direction < b.direction ? -1 : 1))
    const out = { ...any, direction: 'egress', remoteGroupId: null }
    const ours = { ...any, direction: 'ingress', remoteGroupId: groupId }
    assert.deepEqual(plain, [out, out, ours, ours])
    const used = (await ports.network.ports(owner, {})).length
    const quota = (port: number) => admin.call('network', 'PUT', `/v2.0/quotas/${projectId}`, { quota: { port } })
    await quota(used + 3)
    assert.equal(await ports.network.portQuotaLeft(owner, projectId), 3)
    await quota(used)
    assert.equal(await ports.network.portQuotaLeft(owner, projectId), 0)
    await assert.rejects(ports.network.createPort(owner, request()), PortQuotaExceeded.is)
    await quota(-1)
    assert.equal(await ports.network.portQuotaLeft(owner, projectId), undefined)
  })

  test(`${how}: a project gets a network of its own by itself once there is a way out`, async () => {
    const { admin, ports } = world()
    const newcomer = (await newPerson(world(), `net newcomer ${how}`)).caller
    const projectId = newcomer.projectId ?? ''
    const wayOut = await aNetwork('172.24.5.0/28', admin, { 'router:external': true, is_default: true })
    const id = await ports.network.automaticNetwork(newcomer, projectId)
    assert.ok(id !== undefined)
    assert.equal(await ports.network.automaticNetwork(newcomer, projectId), id)
    const [network] = await ports.network.networks(newcomer, { ids: [id] })
    assert.deepEqual([network?.projectId, network?.subnetIds.length], [projectId, 1])
    await admin.call('network', 'PUT', `/v2.0/networks/${wayOut.networkId}`, { network: { is_default: false } })
  })
}
