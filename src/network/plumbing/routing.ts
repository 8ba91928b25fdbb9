import { type Cidr, contains, parseAddress, parseCidr } from '../addresses.ts'
import { bridgeName, gatewayOwner } from '../core/binding.ts'
import type { Db } from '../store/open.ts'
import type { FixedIpRow, FloatingIpRow, PortRow, RouterRow } from '../store/tables.ts'

/** What the routers that are up do on this host, read from the store; networks that are not here are left out. */
export interface DesiredRouting {
  /** Pairs of bridges between which packets may pass, in both directions. */
  readonly joined: readonly (readonly [string, string])[]
  readonly externalBridges: readonly string[]
  /** IPv4 addresses that stand for others. */
  readonly floating: readonly { address: string; fixedAddress: string }[]
  /** Subnets that appear on their external network under the router's address. */
  readonly hidden: readonly { cidr: Cidr; address: string }[]
  /** Routers with routes beyond their subnets: these hold for packets from their bridges. */
  readonly routes: readonly {
    readonly bridges: readonly string[]
    readonly routes: readonly { destination: string; nexthop: string; bridge: string }[]
  }[]
  /** Addresses of routers and floating ones, which this host answers for, by network id. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
}

export const noRouting: DesiredRouting = {
  joined: [],
  externalBridges: [],
  floating: [],
  hidden: [],
  routes: [],
  addresses: new Map(),
}

const isIpv4 = (address: string): boolean => !address.includes(':')

async function readRows(db: Db) {
  const routers = await db.selectFrom('routers').selectAll().where('isUp', '=', 1).orderBy('createdAtMs').execute()
  const interfaces = await db
    .selectFrom('routerInterfaces')
    .innerJoin('ports', 'ports.id', 'routerInterfaces.portId')
    .innerJoin('subnets', 'subnets.id', 'routerInterfaces.subnetId')
    .select(['routerInterfaces.routerId', 'ports.networkId', 'subnets.cidr'])
    .orderBy('ports.createdAtMs')
    .execute()
  const ofRouters = db
    .selectFrom('ports')
    .where('vifType', '=', 'bridge')
    .where('bindingHost', '!=', '')
    .where('deviceOwner', 'in', ['network:router_interface', gatewayOwner])
  const ports = await ofRouters.selectAll().execute()
  const ips = await db.selectFrom('fixedIps').selectAll().where('portId', 'in', ofRouters.select('id')).execute()
  const floating = await db.selectFrom('floatingIps').selectAll().where('portId', 'is not', null).execute()
  const subnets = await db
    .selectFrom('subnets')
    .select(['networkId', 'cidr'])
    .where(
      'networkId',
      'in',
      db.selectFrom('routers').select('externalNetworkId').where('externalNetworkId', 'is not', null),
    )
    .execute()
  return { routers, interfaces, ports, ips, floating, subnets }
}

type Rows = Awaited<ReturnType<typeof readRows>>
/** Subnets of the external network of a router. */
type Outside = readonly { networkId: string; cidr: string }[]

/** The external network of a router, if it has one here. */
function outsideOf(rows: Rows, router: RouterRow, present: ReadonlySet<string>): PortRow | undefined {
  const port = rows.ports.find(item => item.id === router.externalPortId)
  return port !== undefined && present.has(port.networkId) ? port : undefined
}

function pairsOf(networkIds: readonly string[]): (readonly [string, string])[] {
  const bridges = [...new Set(networkIds)].map(bridgeName)
  return bridges.flatMap((one, at) => bridges.slice(at + 1).map(other => [one, other] as const))
}

function addressesOf(rows: Rows, floating: readonly FloatingIpRow[]): ReadonlyMap<string, readonly string[]> {
  const networkOf = new Map(rows.ports.map(port => [port.id, port.networkId]))
  const own = rows.ips.flatMap((ip: FixedIpRow): [string, string][] => {
    const networkId = networkOf.get(ip.portId)
    return networkId === undefined ? [] : [[networkId, ip.address]]
  })
  const all = [...own, ...floating.map(({ networkId, address }): [string, string] => [networkId, address])]
  const grouped = Map.groupBy(all, ([networkId]) => networkId)
  return new Map([...grouped].map(([networkId, items]) => [networkId, items.map(([, address]) => address)]))
}

/** Only next hops on networks that are here. */
function routesOf(router: RouterRow, inside: readonly { networkId: string; cidr: string }[], outside: Outside) {
  const near = [...inside, ...outside]
  const routes = (JSON.parse(router.routes) as { destination: string; nexthop: string }[]).flatMap(route => {
    const hop = parseAddress(route.nexthop)
    const network = near.find(({ cidr: text }) => {
      const cidr = parseCidr(text)
      return hop !== undefined && cidr !== undefined && contains(cidr, hop)
    })
    return network === undefined ? [] : [{ ...route, bridge: bridgeName(network.networkId) }]
  })
  const bridges = [...new Set(near.map(({ networkId }) => bridgeName(networkId)))]
  return routes.length === 0 ? [] : [{ bridges, routes }]
}

/** `present`: ids of the networks that have a bridge here. */
export async function readRouting(db: Db, present: ReadonlySet<string>): Promise<DesiredRouting> {
  const rows = await readRows(db)
  const joined = new Map<string, readonly [string, string]>()
  const externalBridges = new Set<string>()
  const hidden = new Map<string, DesiredRouting['hidden'][number]>()
  const reachable = new Set<string>()
  const routes: DesiredRouting['routes'][number][] = []
  for (const router of rows.routers) {
    const inside = rows.interfaces.filter(item => item.routerId === router.id && present.has(item.networkId))
    const outside = outsideOf(rows, router, present)
    const networkIds = [...inside.map(item => item.networkId), ...(outside === undefined ? [] : [outside.networkId])]
    for (const pair of pairsOf(networkIds)) joined.set(pair.join(), pair)
    const beyond = rows.subnets.filter(subnet => subnet.networkId === outside?.networkId)
    routes.push(...routesOf(router, inside, beyond))
    if (outside === undefined) continue
    reachable.add(router.id)
    externalBridges.add(bridgeName(outside.networkId))
    const address = rows.ips.find(ip => ip.portId === outside.id && isIpv4(ip.address))?.address
    if (router.snat === 0 || address === undefined) continue
    for (const { cidr: text } of inside) {
      const cidr = parseCidr(text)
      if (cidr?.version === 4 && !hidden.has(text)) hidden.set(text, { cidr, address })
    }
  }
  const floating = rows.floating.filter(ip => ip.routerId !== null && reachable.has(ip.routerId))
  return {
    joined: [...joined.values()],
    externalBridges: [...externalBridges],
    floating: floating.map(({ address, fixedAddress }) => ({ address, fixedAddress: fixedAddress ?? '' })),
    hidden: [...hidden.values()],
    routes,
    addresses: addressesOf(rows, floating),
  }
}
