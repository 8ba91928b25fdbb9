import { contains, parseAddress } from '../addresses.ts'
import { InvalidRoutes, RoutesExhausted } from '../l3-faults.ts'
import type { RouterRow } from '../store/tables.ts'
import { reachedSubnets } from './routers.ts'
import { cidrOf } from './subnets.ts'
import type { Unit } from './unit.ts'

export interface Route {
  readonly destination: string
  readonly nexthop: string
}

/** Neutron's `max_routes`. */
const maxRoutes = 30

const inWords = (routes: readonly Route[]): string =>
  `[${routes.map(r => `{'destination': '${r.destination}', 'nexthop': '${r.nexthop}'}`).join(', ')}]`

const isSame = (a: Route, b: Route): boolean => a.destination === b.destination && a.nexthop === b.nexthop

export const routesOf = (router: RouterRow): readonly Route[] => JSON.parse(router.routes) as Route[]

export const withRoutes = (old: readonly Route[], more: readonly Route[]): readonly Route[] => [
  ...old,
  ...more.filter((route, at) => ![...old, ...more.slice(0, at)].some(known => isSame(known, route))),
]

export const withoutRoutes = (old: readonly Route[], gone: readonly Route[]): readonly Route[] =>
  old.filter(route => !gone.some(other => isSame(other, route)))

/** A next hop must be a neighbour of the router, and not the router itself. */
export async function checkRoutes(unit: Unit, router: RouterRow, routes: readonly Route[]): Promise<void> {
  if (routes.length > maxRoutes) throw RoutesExhausted({ id: router.id, limit: maxRoutes })
  const subnets = await reachedSubnets(unit.db, router)
  const own = await unit.db
    .selectFrom('fixedIps')
    .innerJoin('ports', 'ports.id', 'fixedIps.portId')
    .select('fixedIps.address')
    .where('ports.deviceId', '=', router.id)
    .execute()
  for (const { nexthop } of routes) {
    const hop = parseAddress(nexthop)
    const refuse = (reason: string) => InvalidRoutes({ routes: inWords(routes), reason })
    if (hop === undefined || !subnets.some(subnet => contains(cidrOf(subnet), hop))) {
      throw refuse('the nexthop is not connected with router')
    }
    if (own.some(ip => ip.address === nexthop)) throw refuse('the nexthop is used by router')
  }
}
