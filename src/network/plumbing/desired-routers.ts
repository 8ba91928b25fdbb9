import { fromJson } from '#base'
import { type Cidr, overlaps } from '../addresses.ts'
import { bridgeName, gatewayOwner } from '../core/binding.ts'
import { interfaceOwner } from '../core/routers.ts'
import { cidrOf } from '../core/subnets.ts'
import type { Db } from '../store/open.ts'
import type { NetworkRow, PortRow, RouterRow, SubnetRow } from '../store/tables.ts'
import type { DesiredRouter, DesiredSubnet, HostRouteWish, Leg } from './desired-model.ts'

/** What the routers that are up do on this machine, read from the store. */

/** A network that is here. */
export interface Present {
  readonly row: NetworkRow
  readonly rows: readonly SubnetRow[]
  readonly subnets: readonly DesiredSubnet[]
  /** The host's own addresses in it, without prefix. */
  readonly hostAddresses: ReadonlySet<string>
}

const legLength = 11

export function legOf(kind: 'qr' | 'qg' | 'ns', port: PortRow, { mtu }: NetworkRow, addresses: readonly string[]): Leg {
  const { id: portId, networkId, mac } = port
  const name = `${kind}-${portId.slice(0, legLength)}`
  return { name, portId, networkId, bridge: bridgeName(networkId), mtu, mac, addresses }
}

async function readRows(db: Db) {
  const routers = await db.selectFrom('routers').selectAll().where('isUp', '=', 1).orderBy('createdAtMs').execute()
  const interfaces = await db.selectFrom('routerInterfaces').select(['routerId', 'portId', 'subnetId']).execute()
  const ofRouters = db
    .selectFrom('ports')
    .where('vifType', '=', 'bridge')
    .where('bindingHost', '!=', '')
    .where('deviceOwner', 'in', [interfaceOwner, gatewayOwner])
  const ports = await ofRouters.selectAll().orderBy('createdAtMs').orderBy('id').execute()
  const ips = await db
    .selectFrom('fixedIps')
    .selectAll()
    .where('portId', 'in', ofRouters.select('id'))
    .orderBy('position')
    .execute()
  const floating = await db
    .selectFrom('floatingIps')
    .select(['routerId', 'address', 'fixedAddress'])
    .where('portId', 'is not', null)
    .where('routerId', 'is not', null)
    .orderBy('address')
    .execute()
  return { routers, interfaces, ports, ips, floating }
}

type Rows = Awaited<ReturnType<typeof readRows>>

interface Joined {
  readonly leg: Leg
  readonly network: Present
  readonly on: readonly { readonly subnet: SubnetRow; readonly address: string }[]
}

function joined(rows: Rows, kind: 'qr' | 'qg', port: PortRow, network: Present, more: readonly string[] = []): Joined {
  const on = rows.ips
    .filter(ip => ip.portId === port.id)
    .flatMap(({ subnetId, address }) => {
      const subnet = network.rows.find(row => row.id === subnetId)
      return subnet === undefined ? [] : [{ subnet, address }]
    })
  const own = on.map(({ subnet, address }) => `${address}/${cidrOf(subnet).prefix}`)
  return { leg: legOf(kind, port, network.row, [...own, ...more]), network, on }
}

function insideOf(rows: Rows, router: RouterRow, present: ReadonlyMap<string, Present>): Joined[] {
  const portIds = new Set(rows.interfaces.filter(item => item.routerId === router.id).map(item => item.portId))
  return rows.ports
    .filter(port => portIds.has(port.id))
    .flatMap(port => {
      const network = present.get(port.networkId)
      return network === undefined ? [] : [joined(rows, 'qr', port, network)]
    })
}

const isIpv4 = (address: string): boolean => !address.includes(':')

/** Where the way on is, for each version that the router has an address of. */
const gatewaysOf = ({ on }: Joined): string[] =>
  [4, 6].flatMap(version => on.find(({ subnet }) => subnet.ipVersion === version)?.subnet.gatewayIp ?? [])

/** Guests of earlier versions found their name server at the gateway, and people put it there by hand. */
const namesOf = ({ subnets }: Present, held: readonly string[]) =>
  subnets.flatMap(({ gatewayIp, dhcpIp, cidr }) =>
    gatewayIp !== null && dhcpIp !== null && cidr.version === 4 && held.includes(gatewayIp)
      ? [{ address: gatewayIp, server: dhcpIp }]
      : [],
  )

function routerOf(rows: Rows, router: RouterRow, present: ReadonlyMap<string, Present>) {
  const inside = insideOf(rows, router, present)
  const port = rows.ports.find(item => item.id === router.externalPortId)
  const network = port === undefined ? undefined : present.get(port.networkId)
  const floating =
    network === undefined
      ? []
      : rows.floating
          .filter(ip => ip.routerId === router.id)
          .map(({ address, fixedAddress }) => ({ address, fixedAddress: fixedAddress ?? '' }))
  const held = floating.map(({ address }) => `${address}/32`)
  const outside = port === undefined || network === undefined ? undefined : joined(rows, 'qg', port, network, held)
  const advertised = inside.flatMap(({ leg, network: { subnets }, on }) =>
    subnets
      .filter(({ cidr, dhcpIp, gatewayIp }) => {
        const isGateway = on.some(({ address }) => address === gatewayIp)
        return cidr.version === 6 && dhcpIp !== null && isGateway
      })
      .map(subnet => ({ leg: leg.name, subnet })),
  )
  const made: DesiredRouter = {
    id: router.id,
    inside: inside.map(({ leg }) => leg),
    advertised,
    outside: outside?.leg,
    gateways: outside === undefined ? [] : gatewaysOf(outside),
    snatAddress: router.snat === 0 ? undefined : outside?.on.find(({ address }) => isIpv4(address))?.address,
    floating,
    routes: fromJson<{ destination: string; nexthop: string }[]>(router.routes),
    names: inside.flatMap(({ network, on }) =>
      namesOf(
        network,
        on.map(({ address }) => address),
      ),
    ),
    behind: outside === undefined ? [] : inside.flatMap(({ on }) => on.map(({ subnet }) => cidrOf(subnet))),
  }
  return { made, router, inside, outside }
}

type Made = ReturnType<typeof routerOf>

/** Only where the router is the way back, and this host has an address next to it. */
function hostRoutesOf({ router, inside, outside }: Made): HostRouteWish[] {
  if (outside === undefined) return []
  const beside = [...outside.network.hostAddresses]
  return inside
    .filter(({ network }) => network.row.isHostRouted === 1 || router.snat === 0)
    .flatMap(({ on }) => on)
    .filter(({ subnet, address }) => address === subnet.gatewayIp)
    .flatMap(({ subnet }) => {
      const via = outside.on.find(item => item.subnet.ipVersion === subnet.ipVersion)?.address
      const isBeside = via !== undefined && beside.some(address => isIpv4(address) === isIpv4(via))
      return isBeside ? [{ cidr: cidrOf(subnet), via, bridge: outside.leg.bridge }] : []
    })
}

/** One host has one routing table: the route of the older router stays. */
function withoutOverlaps(wishes: readonly HostRouteWish[]): HostRouteWish[] {
  const taken: Cidr[] = []
  return wishes.filter(({ cidr }) => {
    if (taken.some(other => overlaps(other, cidr))) return false
    taken.push(cidr)
    return true
  })
}

export async function readRouters(
  db: Db,
  present: ReadonlyMap<string, Present>,
): Promise<{ routers: readonly DesiredRouter[]; hostRoutes: readonly HostRouteWish[] }> {
  const rows = await readRows(db)
  const all = rows.routers.map(router => routerOf(rows, router, present)).filter(({ inside }) => inside.length > 0)
  return { routers: all.map(({ made }) => made), hostRoutes: withoutOverlaps(all.flatMap(hostRoutesOf)) }
}
