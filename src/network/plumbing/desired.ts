import { fromJson } from '#base'
import { type Cidr, overlaps } from '../addresses.ts'
import { bridgeName, gatewayOwner, tapName } from '../core/binding.ts'
import { cidrOf } from '../core/subnets.ts'
import type { Db } from '../store/open.ts'
import type { NetworkRow, PortRow, SecurityGroupRuleRow, SubnetRow } from '../store/tables.ts'
import { type DesiredRouting, readRouting } from './routing.ts'

/**
 * What should be on this host, read from the store: the only input of the plumbing. Networks without a guest, and external
 * ones that no router joins with a network that has one, are not here, so nothing is made for them.
 */
export interface Desired {
  readonly networks: readonly DesiredNetwork[]
  readonly ports: readonly DesiredPort[]
  readonly groups: ReadonlyMap<string, DesiredGroup>
  readonly routing: DesiredRouting
}

export interface DesiredNetwork {
  readonly id: string
  readonly bridge: string
  readonly mtu: number
  readonly subnets: readonly DesiredSubnet[]
  /** Addresses of routers there, and floating ones: this host answers for them. */
  readonly routerAddresses: readonly string[]
}

export interface DesiredSubnet {
  readonly id: string
  readonly cidr: Cidr
  readonly gatewayIp: string | null
  /** The bridge's own address there: the gateway, or the address of the DHCP port. Null: none. */
  readonly hostIp: string | null
  readonly hasDhcp: boolean
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly { destination: string; nexthop: string }[]
  readonly ipv6RaMode: string | null
  readonly ipv6AddressMode: string | null
}

export interface DesiredPort {
  readonly id: string
  readonly networkId: string
  readonly bridge: string
  readonly tap: string
  readonly mac: string
  readonly addresses: readonly { subnetId: string; address: string; version: 4 | 6 }[]
  readonly isSecured: boolean
  readonly isUp: boolean
  readonly groupIds: readonly string[]
  readonly hostname: string
  /** Where its guest is, and where it is awaited. */
  readonly hosts: readonly string[]
}

export interface DesiredGroup {
  readonly id: string
  readonly rules: readonly SecurityGroupRuleRow[]
  /** Addresses of the member ports, on whatever host. */
  readonly members: readonly { address: string; version: 4 | 6 }[]
}

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

type Rows = Awaited<ReturnType<typeof readRows>>

function subnetOf(row: SubnetRow, dhcpIp: string | undefined): DesiredSubnet {
  return {
    id: row.id,
    cidr: cidrOf(row),
    gatewayIp: row.gatewayIp,
    hostIp: row.gatewayIp ?? dhcpIp ?? null,
    hasDhcp: row.dhcp === 1,
    dnsNameservers: fromJson<string[]>(row.dnsNameservers),
    hostRoutes: fromJson<{ destination: string; nexthop: string }[]>(row.hostRoutes),
    ipv6RaMode: row.ipv6RaMode,
    ipv6AddressMode: row.ipv6AddressMode,
  }
}

/** One host has one routing table: of two overlapping subnets the older network's stays. */
function networksOf(rows: Rows, own: readonly PortRow[], { addresses }: DesiredRouting): DesiredNetwork[] {
  const dhcpPorts = new Set(own.map(port => port.id))
  const dhcpIps = new Map(rows.ips.filter(ip => dhcpPorts.has(ip.portId)).map(ip => [ip.subnetId, ip.address]))
  const taken: Cidr[] = []
  return rows.networks.map((row: NetworkRow) => {
    const subnets = rows.subnets
      .filter(subnet => subnet.networkId === row.id)
      .map(subnet => subnetOf(subnet, dhcpIps.get(subnet.id)))
      .filter(subnet => !taken.some(cidr => overlaps(cidr, subnet.cidr)))
    taken.push(...subnets.map(subnet => subnet.cidr))
    const held = new Set(subnets.map(subnet => subnet.hostIp))
    const routerAddresses = (addresses.get(row.id) ?? []).filter(address => !held.has(address))
    return { id: row.id, bridge: bridgeName(row.id), mtu: row.mtu, subnets, routerAddresses }
  })
}

function portsOf(rows: Rows, guests: readonly PortRow[]): DesiredPort[] {
  const ips = Map.groupBy(rows.ips, ip => ip.portId)
  const groups = Map.groupBy(rows.groups, group => group.portId)
  const awaited = Map.groupBy(rows.awaited, binding => binding.portId)
  const upNetworks = new Set(rows.networks.filter(network => network.isUp === 1).map(network => network.id))
  return guests.map(port => ({
    id: port.id,
    networkId: port.networkId,
    bridge: bridgeName(port.networkId),
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

/** What has to be wired on one of the hosts: the ports for which this is true, and the groups of all. */
export const withPorts = (desired: Desired, isThere: (port: DesiredPort) => boolean): Desired => ({
  ...desired,
  ports: desired.ports.filter(isThere),
})

export async function readDesired(db: Db): Promise<Desired> {
  const rows = await readRows(db)
  const own = rows.ports.filter(port => port.deviceOwner === 'network:dhcp')
  const guestRows = rows.ports.filter(port => !port.deviceOwner.startsWith('network:'))
  const ports = portsOf(rows, guestRows)
  const rulesOf = Map.groupBy(rows.rules, rule => rule.groupId)
  const members = new Map<string, DesiredGroup['members'][number][]>()
  for (const port of ports) {
    for (const groupId of port.groupIds) members.set(groupId, [...(members.get(groupId) ?? []), ...port.addresses])
  }
  const ids = new Set([...members.keys(), ...rows.rules.flatMap(rule => rule.remoteGroupId ?? [])])
  const groups = new Map([...ids].map(id => [id, { id, rules: rulesOf.get(id) ?? [], members: members.get(id) ?? [] }]))
  const routing = await readRouting(db, new Set(rows.networks.map(network => network.id)))
  return { networks: networksOf(rows, own, routing), ports, groups, routing }
}
