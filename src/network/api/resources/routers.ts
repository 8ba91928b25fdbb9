import type { Json } from '#base'
import type { BindingGate } from '../../core/binding.ts'
import { checkRoutes } from '../../core/extra-routes.ts'
import {
  changeRouter,
  createRouter,
  deleteRouter,
  type GatewayWish,
  routerOrThrow,
  setGateway,
} from '../../core/routers.ts'
import { NetworkNotFound, PolicyNotAuthorized } from '../../faults.ts'
import { RouterNotFound } from '../../l3-faults.ts'
import type { RouterRow } from '../../store/tables.ts'
import {
  address,
  attribute,
  type Check,
  cidr,
  listOf,
  readOnly,
  record,
  truth,
  uuid,
  type Values,
} from '../attributes.ts'
import { ownerOf, type Reading, type Requester } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, jsonOf, named, ownerWire, stampWire, tagsOf, zoneHints } from '../shared.ts'
import { visibleNetworks } from './networks.ts'

const gateway = record(
  {
    network_id: uuid,
    enable_snat: truth,
    external_fixed_ips: listOf(record({ subnet_id: uuid, ip_address: address })),
  },
  ['network_id'],
)

type Gateway = typeof gateway extends Check<infer T> ? T : never

/** `{}` and `null` take the gateway away. */
const gatewayOrNothing: Check<Gateway | null> = value =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0) ? { ok: null } : gateway(value)

export const routeList = listOf(record({ destination: cidr, nexthop: address }, ['destination', 'nexthop']))

const attributes = {
  ...named,
  admin_state_up: attribute(truth),
  external_gateway_info: attribute(gatewayOrNothing),
  routes: attribute<readonly { destination?: string; nexthop?: string }[]>(
    value => (value === null ? { ok: [] } : routeList(value)),
    { post: false },
  ),
  status: readOnly(),
  availability_zones: readOnly(),
  availability_zone_hints: zoneHints,
} as const

type RouterValues = Values<typeof attributes>

export async function visibleRouters(
  { db, requester }: Reading,
  ids?: readonly string[],
): Promise<readonly RouterRow[]> {
  const read = (part?: readonly string[]) => {
    let query = db.selectFrom('routers').selectAll().orderBy('createdAtMs').orderBy('id')
    if (part !== undefined) query = query.where('id', 'in', part)
    if (!requester.isAdmin) query = query.where('projectId', '=', requester.projectId ?? '')
    return query.execute()
  }
  return ids === undefined ? read() : inSlices(ids, read)
}

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const rows = await visibleRouters(reading, narrow.ids)
  const tags = await tagsOf(
    reading.db,
    rows.map(row => row.id),
  )
  const gatewayIds = rows.flatMap(row => row.externalPortId ?? [])
  const ips = await inSlices(gatewayIds, part =>
    reading.db.selectFrom('fixedIps').selectAll().where('portId', 'in', part).orderBy('position').execute(),
  )
  const ipsOf = Map.groupBy(ips, ip => ip.portId)
  const outside = (row: RouterRow): Json =>
    row.externalPortId === null
      ? null
      : {
          network_id: row.externalNetworkId,
          external_fixed_ips: (ipsOf.get(row.externalPortId) ?? []).map(ip => ({
            subnet_id: ip.subnetId,
            ip_address: ip.address,
          })),
          enable_snat: row.snat === 1,
        }
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    ...ownerWire(row.projectId),
    admin_state_up: row.isUp === 1,
    status: 'ACTIVE',
    external_gateway_info: outside(row),
    routes: jsonOf(row.routes),
    availability_zones: ['nova'],
    availability_zone_hints: [],
    description: row.description,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

/** Anybody may name an external network; the rest is the administrator's. */
function checkGatewayGiven(requester: Requester, verb: 'create' | 'update', info: Gateway): void {
  if (requester.isAdmin) return
  for (const name of ['enable_snat', 'external_fixed_ips'] as const) {
    if (info[name] === undefined) continue
    const rule = `rule:${verb}_router:external_gateway_info`
    throw PolicyNotAuthorized({ rule: `(rule:${verb}_router and (${rule} and ${rule}:${name}))` })
  }
}

async function wishOf(
  reading: Reading,
  verb: 'create' | 'update',
  info: Gateway | null | undefined,
): Promise<GatewayWish | undefined> {
  if (info === undefined || info === null) return info
  checkGatewayGiven(reading.requester, verb, info)
  const networkId = info.network_id ?? ''
  if ((await visibleNetworks(reading, [networkId])).length === 0) throw NetworkNotFound({ id: networkId })
  const addresses = (info.external_fixed_ips ?? []).map(ip => ({
    ...(ip.subnet_id === undefined ? {} : { subnetId: ip.subnet_id }),
    ...(ip.ip_address === undefined ? {} : { address: ip.ip_address }),
  }))
  return { networkId, snat: info.enable_snat ?? true, addresses }
}

const changesOf = (values: RouterValues): Partial<RouterRow> => ({
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values.description === undefined ? {} : { description: values.description }),
  ...(values.admin_state_up === undefined ? {} : { isUp: Number(values.admin_state_up) }),
})

export const routersResource = (gate: BindingGate): Resource<typeof attributes> => ({
  singular: 'router',
  plural: 'routers',
  path: 'routers',
  attributes,
  list,
  missing: id => RouterNotFound({ id }),
  async create({ unit, requester }, values) {
    const wish = await wishOf({ db: unit.db, requester }, 'create', values.external_gateway_info)
    const plain = { projectId: ownerOf(requester, values), name: '', description: '', isUp: 1 }
    const row = await createRouter(unit, { ...plain, ...changesOf(values) })
    if (wish !== undefined && wish !== null) await setGateway(unit, gate, row, wish)
    return row.id
  },
  async update({ unit, requester }, seen, values) {
    const wish = await wishOf({ db: unit.db, requester }, 'update', values.external_gateway_info)
    let row = await routerOrThrow(unit.db, seen.id)
    if (wish !== undefined) row = await setGateway(unit, gate, row, wish)
    const routes = values.routes?.map(({ destination = '', nexthop = '' }) => ({ destination, nexthop }))
    if (routes !== undefined) await checkRoutes(unit, row, routes)
    const change = { ...changesOf(values), ...(routes === undefined ? {} : { routes: JSON.stringify(routes) }) }
    await changeRouter(unit, row, change)
  },
  remove: ({ unit }, seen) => deleteRouter(unit, seen.id),
})
