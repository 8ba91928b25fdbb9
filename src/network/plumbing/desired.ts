import { fromJson } from '#base'
import { type Cidr, overlaps } from '../addresses.ts'
import { bridgeName, gatewayOwner, tapName } from '../core/binding.ts'
import { interfaceOwner } from '../core/routers.ts'
import { cidrOf } from '../core/subnets.ts'
import type { Db } from '../store/open.ts'
import type { NetworkRow, PortRow, SubnetRow } from '../store/tables.ts'
import type {
  Desired,
  DesiredDhcp,
  DesiredGroup,
  DesiredNetwork,
  DesiredPort,
  DesiredRouter,
  DesiredSubnet,
} from './desired-model.ts'
import { legOf, type Present, readRouters } from './desired-routers.ts'
import { zonesOf } from './zones.ts'

const version = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4)

async function readRows(db: Db) {
  const bound = db.selectFrom('ports').where('vifType', '=', 'bridge').where('bindingHost', '!=', '')
  const ports = await bound.selectAll().orderBy('createdAtMs').orderBy('id').execute()
  const portIds = bound.select('id')
  const awaited = await db
    .selectFrom('inactiveBindings')
    .select(['portId', 'host'])
    .where('vifType', '=', 'bridge')
    .execute()
  const ofGuests = bound.where('deviceOwner', 'not like', 'network:%').select('networkId')
  const routersOfGuests = db
    .selectFrom('routerInterfaces')
    .innerJoin('ports', 'ports.id', 'routerInterfaces.portId')
    .where('ports.networkId', 'in', ofGuests)
    .select('routerInterfaces.routerId')
  const networkIds = bound
    .where(eb =>
      eb.or([
        eb('deviceOwner', 'not like', 'network:%'),
        eb.and([eb('deviceOwner', '=', gatewayOwner), eb('deviceId', 'in', routersOfGuests)]),
      ]),
    )
    .select('networkId')
  const [networks, subnets, ips, groups] = await Promise.all([
    db.selectFrom('networks').selectAll().where('id', 'in', networkIds).orderBy('createdAtMs').orderBy('id').execute(),
    db
      .selectFrom('subnets')
      .selectAll()
      .where('networkId', 'in', networkIds)
      .orderBy('createdAtMs')
      .orderBy('id')
      .execute(),
    db.selectFrom('fixedIps').selectAll().where('portId', 'in', portIds).orderBy('position').execute(),
    db.selectFrom('portSecurityGroups').selectAll().where('portId', 'in', portIds).orderBy('groupId').execute(),
  ])
  const rules = await db.selectFrom('securityGroupRules').selectAll().orderBy('id').execute()
  return { ports, networks, subnets, ips, groups, rules, awaited }
}

const dhcpOwner = 'network:dhcp'

type Rows = Awaited<ReturnType<typeof readRows>>

/** Addresses of DHCP ports, by subnet. */
function dhcpAddresses(rows: Rows): ReadonlyMap<string, string> {
  const servers = new Set(rows.ports.filter(port => port.deviceOwner === dhcpOwner).map(port => port.id))
  return new Map(rows.ips.filter(ip => servers.has(ip.portId)).map(ip => [ip.subnetId, ip.address]))
}

const subnetOf = (row: SubnetRow, dhcpIp: string | undefined): DesiredSubnet => ({
  id: row.id,
  cidr: cidrOf(row),
  gatewayIp: row.gatewayIp,
  dhcpIp: row.dhcp === 1 ? (dhcpIp ?? null) : null,
  dnsNameservers: fromJson<string[]>(row.dnsNameservers),
  hostRoutes: fromJson<{ destination: string; nexthop: string }[]>(row.hostRoutes),
  ipv6RaMode: row.ipv6RaMode,
  ipv6AddressMode: row.ipv6AddressMode,
})

/** On external networks the host is the gateway, unless a router is. */
function presentNetworks(rows: Rows): ReadonlyMap<string, Present> {
  const servers = dhcpAddresses(rows)
  const ofRouters = new Set(rows.ports.filter(port => port.deviceOwner === interfaceOwner).map(port => port.id))
  const held = new Set(rows.ips.filter(ip => ofRouters.has(ip.portId)).map(ip => `${ip.networkId} ${ip.address}`))
  // One host has one routing table: of two overlapping subnets the older network's stays.
  const taken: Cidr[] = []
  const hostAddress = ({ networkId, gatewayIp, cidr: text }: SubnetRow): string[] => {
    const cidr = cidrOf({ cidr: text })
    if (gatewayIp === null || held.has(`${networkId} ${gatewayIp}`)) return []
    if (taken.some(other => overlaps(other, cidr))) return []
    taken.push(cidr)
    return [gatewayIp]
  }
  const present = rows.networks.map((row: NetworkRow): [string, Present] => {
    const own = rows.subnets.filter(subnet => subnet.networkId === row.id)
    const hostAddresses = new Set(row.isExternal === 1 ? own.flatMap(hostAddress) : [])
    return [row.id, { row, rows: own, subnets: own.map(s => subnetOf(s, servers.get(s.id))), hostAddresses }]
  })
  return new Map(present)
}

const prefixed = ({ rows, hostAddresses }: Present): string[] =>
  rows.flatMap(({ gatewayIp, cidr }) =>
    gatewayIp !== null && hostAddresses.has(gatewayIp) ? [`${gatewayIp}/${cidrOf({ cidr }).prefix}`] : [],
  )

/** Names of the world are known to the host: it is asked through the router that is the way out. */
function upstreamOf(network: Present, present: ReadonlyMap<string, Present>, routers: readonly DesiredRouter[]) {
  for (const { gatewayIp, dhcpIp, cidr } of network.subnets) {
    if (gatewayIp === null || dhcpIp === null || cidr.version !== 4) continue
    const router = routers.find(({ inside }) =>
      inside.some(leg => leg.networkId === network.row.id && leg.addresses.some(a => a.startsWith(`${gatewayIp}/`))),
    )
    const host = present.get(router?.outside?.networkId ?? '')?.hostAddresses
    const server = router?.gateways.find(address => version(address) === 4 && host?.has(address) === true)
    if (server !== undefined) return { server, via: gatewayIp }
  }
  return undefined
}

function dhcpOf(
  rows: Rows,
  network: Present,
  present: ReadonlyMap<string, Present>,
  routers: readonly DesiredRouter[],
): DesiredDhcp | undefined {
  const port = rows.ports.find(item => item.networkId === network.row.id && item.deviceOwner === dhcpOwner)
  const addresses = network.subnets.flatMap(({ dhcpIp, cidr }) => (dhcpIp === null ? [] : [`${dhcpIp}/${cidr.prefix}`]))
  if (port === undefined || addresses.length === 0) return undefined
  return { leg: legOf('ns', port, network.row, addresses), upstream: upstreamOf(network, present, routers) }
}

function portsOf(rows: Rows, guests: readonly PortRow[], zones: ReadonlyMap<string, number>): DesiredPort[] {
  const ips = Map.groupBy(rows.ips, ip => ip.portId)
  const groups = Map.groupBy(rows.groups, group => group.portId)
  const awaited = Map.groupBy(rows.awaited, binding => binding.portId)
  const upNetworks = new Set(rows.networks.filter(network => network.isUp === 1).map(network => network.id))
  return guests.map(port => ({
    id: port.id,
    networkId: port.networkId,
    bridge: bridgeName(port.networkId),
    zone: zones.get(port.networkId),
    tap: tapName(port.id),
    mac: port.mac,
    addresses: (ips.get(port.id) ?? []).map(({ subnetId, address }) => ({
      subnetId,
      address,
      version: version(address),
    })),
    isSecured: port.portSecurity === 1,
    isUp: port.isUp === 1 && upNetworks.has(port.networkId),
    groupIds: (groups.get(port.id) ?? []).map(group => group.groupId),
    hostname: port.dnsName,
    hosts: [port.bindingHost, ...(awaited.get(port.id) ?? []).map(({ host }) => host)],
  }))
}

function groupsOf(rows: Rows, ports: readonly DesiredPort[]): ReadonlyMap<string, DesiredGroup> {
  const rulesOf = Map.groupBy(rows.rules, rule => rule.groupId)
  const members = new Map<string, DesiredGroup['members'][number][]>()
  for (const port of ports) {
    for (const groupId of port.groupIds) members.set(groupId, [...(members.get(groupId) ?? []), ...port.addresses])
  }
  const ids = new Set([...members.keys(), ...rows.rules.flatMap(rule => rule.remoteGroupId ?? [])])
  return new Map([...ids].map(id => [id, { id, rules: rulesOf.get(id) ?? [], members: members.get(id) ?? [] }]))
}

export async function readDesired(db: Db): Promise<Desired> {
  const rows = await readRows(db)
  const present = presentNetworks(rows)
  const closed = rows.networks.filter(network => network.isExternal === 0).map(network => network.id)
  const zones = await zonesOf(db, closed)
  const { routers, hostRoutes } = await readRouters(db, present)
  const networks = [...present.values()].map((network): DesiredNetwork => {
    const { row, subnets } = network
    return {
      id: row.id,
      bridge: bridgeName(row.id),
      mtu: row.mtu,
      isClosed: row.isExternal === 0,
      zone: zones.get(row.id),
      hostAddresses: prefixed(network),
      subnets,
      dhcp: dhcpOf(rows, network, present, routers),
    }
  })
  const guests = rows.ports.filter(port => !port.deviceOwner.startsWith('network:'))
  const ports = portsOf(rows, guests, zones)
  return { networks, ports, groups: groupsOf(rows, ports), routers, hostRoutes }
}
