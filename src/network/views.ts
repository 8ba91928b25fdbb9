import { fromJson } from '#base'
import type { NetworkView, PortView, SubnetView } from '#cloud'
import { inSlices } from './api/shared.ts'
import { networkType } from './core/networks.ts'
import { networksOf, portPromises } from './core/qos.ts'
import type { Db } from './store/open.ts'
import type { NetworkRow, PortRow, SubnetRow } from './store/tables.ts'

/** Stored rows in the words of the port that Nova uses. */

const segmentOf = (row: NetworkRow): Pick<NetworkView, 'networkType' | 'physicalNetwork'> => ({
  networkType: networkType(row),
  ...(row.physicalNetwork === null ? {} : { physicalNetwork: row.physicalNetwork }),
})

/** `seesSegments`: only the operator is told what is behind a network. */
export async function networkViews(
  db: Db,
  rows: readonly NetworkRow[],
  seesSegments = false,
): Promise<readonly NetworkView[]> {
  const subnets = await inSlices(
    rows.map(row => row.id),
    ids =>
      db
        .selectFrom('subnets')
        .select(['id', 'networkId'])
        .where('networkId', 'in', ids)
        .orderBy('createdAtMs')
        .execute(),
  )
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    projectId: row.projectId,
    isShared: row.isShared === 1,
    isExternal: row.isExternal === 1,
    isUp: row.isUp === 1,
    mtu: row.mtu,
    subnetIds: subnets.filter(subnet => subnet.networkId === row.id).map(subnet => subnet.id),
    isPortSecurityEnabled: row.portSecurity === 1,
    ...(seesSegments ? segmentOf(row) : {}),
  }))
}

/** `dhcpPorts`: where a subnet's DHCP server is, by subnet id. Before there is one, guests are told the gateway, as by Neutron's adapter. */
const subnetView = (row: SubnetRow, dhcpPorts: ReadonlyMap<string, string>): SubnetView => ({
  id: row.id,
  networkId: row.networkId,
  cidr: row.cidr,
  ipVersion: row.ipVersion === 4 ? 4 : 6,
  gatewayIp: row.gatewayIp,
  isDhcpEnabled: row.dhcp === 1,
  dnsNameservers: fromJson<string[]>(row.dnsNameservers),
  hostRoutes: fromJson<{ destination: string; nexthop: string }[]>(row.hostRoutes),
  ipv6AddressMode: row.ipv6AddressMode,
  ipv6RaMode: row.ipv6RaMode,
  // The networks of one machine are on all of it.
  segmentId: null,
  dhcpServer: row.dhcp === 1 ? (dhcpPorts.get(row.id) ?? row.gatewayIp) : null,
})

export async function subnetViews(db: Db, rows: readonly SubnetRow[]): Promise<readonly SubnetView[]> {
  const served = await inSlices(
    rows.map(row => row.id),
    part =>
      db
        .selectFrom('fixedIps')
        .innerJoin('ports', 'ports.id', 'fixedIps.portId')
        .select(['fixedIps.subnetId', 'fixedIps.address'])
        .where('ports.deviceOwner', '=', 'network:dhcp')
        .where('fixedIps.subnetId', 'in', part)
        .execute(),
  )
  const dhcpPorts = new Map(served.map(row => [row.subnetId, row.address]))
  return rows.map(row => subnetView(row, dhcpPorts))
}

const statuses = ['ACTIVE', 'DOWN', 'BUILD', 'ERROR'] as const

export async function portViews(db: Db, rows: readonly PortRow[]): Promise<readonly PortView[]> {
  const ids = rows.map(row => row.id)
  const ips = await inSlices(ids, part =>
    db.selectFrom('fixedIps').selectAll().where('portId', 'in', part).orderBy('position').execute(),
  )
  const groups = await inSlices(ids, part =>
    db.selectFrom('portSecurityGroups').selectAll().where('portId', 'in', part).execute(),
  )
  const floating = await inSlices(ids, part =>
    db.selectFrom('floatingIps').selectAll().where('portId', 'in', part).execute(),
  )
  const promises = await portPromises(db, rows, await networksOf(db, rows))
  const ipsOf = Map.groupBy(ips, ip => ip.portId)
  const groupsOf = Map.groupBy(groups, group => group.portId)
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    networkId: row.networkId,
    projectId: row.projectId,
    macAddress: row.mac,
    status: statuses.find(status => status === row.status) ?? 'ERROR',
    isUp: row.isUp === 1,
    deviceId: row.deviceId,
    deviceOwner: row.deviceOwner,
    fixedIps: (ipsOf.get(row.id) ?? []).map(ip => ({ subnetId: ip.subnetId, ipAddress: ip.address })),
    securityGroupIds: (groupsOf.get(row.id) ?? []).map(group => group.groupId),
    bindingHost: row.bindingHost,
    vnicType: row.vnicType,
    vifType: row.vifType,
    vifDetails: fromJson<Record<string, unknown>>(row.vifDetails),
    profile: fromJson<Record<string, unknown>>(row.profile),
    floatingIps: floating
      .filter(ip => ip.portId === row.id)
      .map(({ address, fixedAddress }) => ({ address, fixedAddress: fixedAddress ?? '' })),
    isPortSecurityEnabled: row.portSecurity === 1,
    resourceGroups: promises.get(row.id)?.groups ?? [],
    sameSubtree: promises.get(row.id)?.sameSubtree ?? [],
    numaPolicy: null,
  }))
}
