import type { Json } from '#base'
import { formatAddress, fromKey, parseCidr } from '../../addresses.ts'
import { networkById } from '../../core/networks.ts'
import {
  createSubnet,
  deleteSubnet,
  poolsOf,
  type SubnetContent,
  subnetById,
  updateSubnet,
} from '../../core/subnets.ts'
import { BadRequest, InvalidInput, NetworkNotFound, PolicyNotAuthorized, SubnetNotFound } from '../../faults.ts'
import type { AllocationPoolRow, SubnetRow } from '../../store/tables.ts'
import { address, attribute, cidr, listOf, oneOf, orNull, record, truth, uuid, type Values } from '../attributes.ts'
import { ownerOf, type Reading, type Requester } from '../context.ts'
import type { Wire } from '../listing.ts'
import type { Narrow, Resource } from '../resource.ts'
import { inSlices, jsonOf, named, ownerWire, stampWire, tagsOf } from '../shared.ts'
import { visibleNetworks } from './networks.ts'

const ipv6Mode = orNull(oneOf('slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'))

const attributes = {
  ...named,
  network_id: attribute(uuid, { put: false, isRequired: true }),
  ip_version: attribute((value: unknown) => oneOf(4, 6)(value === '4' ? 4 : value === '6' ? 6 : value), {
    put: false,
    isRequired: true,
  }),
  cidr: attribute(cidr, { put: false }),
  gateway_ip: attribute(orNull(address)),
  enable_dhcp: attribute(truth),
  allocation_pools: attribute(listOf(record({ start: address, end: address }, ['start', 'end']))),
  dns_nameservers: attribute(listOf(address)),
  host_routes: attribute(listOf(record({ destination: cidr, nexthop: address }, ['destination', 'nexthop']))),
  ipv6_ra_mode: attribute(ipv6Mode, { put: false }),
  ipv6_address_mode: attribute(ipv6Mode, { put: false }),
  subnetpool_id: attribute(orNull(oneOf<string>()), { put: false }),
} as const

type SubnetValues = Values<typeof attributes>

const poolWire = (row: SubnetRow, pool: AllocationPoolRow) => {
  const version = row.ipVersion === 4 ? 4 : 6
  const textOf = (key: string) => formatAddress(version, fromKey(version, key).value)
  return { start: textOf(pool.firstKey), end: textOf(pool.lastKey) }
}

export async function visibleSubnets(reading: Reading, narrow: Narrow): Promise<readonly SubnetRow[]> {
  const { db, requester } = reading
  const read = (column: 'id' | 'networkId', part?: readonly string[]) => {
    const query = db.selectFrom('subnets').selectAll().orderBy('createdAtMs').orderBy('id')
    return (part === undefined ? query : query.where(column, 'in', part)).execute()
  }
  const rows =
    narrow.ids !== undefined
      ? await inSlices(narrow.ids, part => read('id', part))
      : narrow.networkIds !== undefined
        ? await inSlices(narrow.networkIds, part => read('networkId', part))
        : await read('id')
  if (requester.isAdmin) return rows
  const visible = new Set(
    (await visibleNetworks(reading))
      .filter(row => row.isShared === 1 || row.projectId === requester.projectId)
      .map(row => row.id),
  )
  return rows.filter(row => row.projectId === requester.projectId || visible.has(row.networkId))
}

async function list(reading: Reading, narrow: Narrow): Promise<readonly Wire[]> {
  const rows = await visibleSubnets(reading, narrow)
  const ids = rows.map(row => row.id)
  const [tags, pools] = [await tagsOf(reading.db, ids), await poolsOf(reading.db, ids)]
  return rows.map(row => ({
    id: row.id,
    name: row.name,
    ...ownerWire(row.projectId),
    network_id: row.networkId,
    ip_version: row.ipVersion,
    subnetpool_id: null,
    enable_dhcp: row.dhcp === 1,
    ipv6_ra_mode: row.ipv6RaMode,
    ipv6_address_mode: row.ipv6AddressMode,
    gateway_ip: row.gatewayIp,
    cidr: row.cidr,
    allocation_pools: (pools.get(row.id) ?? []).map(pool => poolWire(row, pool)) as Json,
    host_routes: jsonOf(row.hostRoutes),
    dns_nameservers: jsonOf(row.dnsNameservers),
    description: row.description,
    tags: tags.get(row.id) ?? [],
    ...stampWire(row),
  }))
}

const maxNameservers = 5
const maxRoutes = 20

function listsOf(values: SubnetValues): Partial<SubnetContent> {
  const { dns_nameservers: dns, host_routes: routes, allocation_pools: pools } = values
  if (dns !== undefined && dns.length > maxNameservers) {
    throw BadRequest({ reason: `Too many DNS nameservers: at most ${maxNameservers}` })
  }
  if (routes !== undefined && routes.length > maxRoutes)
    throw BadRequest({ reason: `Too many host routes: at most ${maxRoutes}` })
  return {
    ...(dns === undefined ? {} : { dnsNameservers: JSON.stringify(dns) }),
    ...(routes === undefined ? {} : { hostRoutes: JSON.stringify(routes) }),
    ...(pools === undefined ? {} : { pools: pools.map(pool => ({ start: pool.start ?? '', end: pool.end ?? '' })) }),
  }
}

const changesOf = (values: SubnetValues): Partial<SubnetContent> => ({
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values.description === undefined ? {} : { description: values.description }),
  ...(values.gateway_ip === undefined ? {} : { gatewayIp: values.gateway_ip }),
  ...(values.enable_dhcp === undefined ? {} : { dhcp: Number(values.enable_dhcp) }),
  ...listsOf(values),
})

function checkModes(values: SubnetValues): void {
  const { ip_version: version, ipv6_ra_mode: ra, ipv6_address_mode: mode } = values
  if (version === 4 && ((ra ?? null) !== null || (mode ?? null) !== null)) {
    throw InvalidInput({ reason: 'ipv6_ra_mode and ipv6_address_mode are not valid for IPv4' })
  }
  if ((ra ?? null) !== null && (mode ?? null) !== null && ra !== mode) {
    throw InvalidInput({ reason: `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${mode}' is not valid` })
  }
  if (((ra ?? null) !== null || (mode ?? null) !== null) && values.enable_dhcp === false) {
    throw InvalidInput({ reason: 'ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False' })
  }
}

function contentOf(requester: Requester, networkOwner: string, values: SubnetValues): SubnetContent {
  checkModes(values)
  const asked = parseCidr(values.cidr ?? '')
  if (asked === undefined) throw BadRequest({ reason: 'a subnetpool must be specified in the absence of a cidr' })
  const version = values.ip_version ?? 4
  if (asked.version !== version) {
    throw InvalidInput({ reason: `cidr '${values.cidr}' does not match the ip_version '${version}'` })
  }
  if (version === 4 && asked.prefix === 32)
    throw InvalidInput({ reason: `Subnet with cidr ${values.cidr} is too small` })
  const auto = [values.ipv6_address_mode, values.ipv6_ra_mode].some(
    mode => mode === 'slaac' || mode === 'dhcpv6-stateless',
  )
  if (auto && asked.prefix !== 64)
    throw InvalidInput({ reason: 'Invalid CIDR for IPv6 address mode. Only 64 bits are allowed' })
  const isGiven = values.project_id !== undefined || values.tenant_id !== undefined
  return {
    projectId: isGiven || !requester.isAdmin ? ownerOf(requester, values) : networkOwner,
    name: '',
    description: '',
    ipVersion: version,
    cidr: values.cidr ?? '',
    gatewayIp: undefined,
    pools: undefined,
    dhcp: 1,
    dnsNameservers: '[]',
    hostRoutes: '[]',
    ipv6AddressMode: values.ipv6_address_mode ?? null,
    ipv6RaMode: values.ipv6_ra_mode ?? null,
    ...changesOf(values),
  }
}

export const subnets: Resource<typeof attributes> = {
  singular: 'subnet',
  plural: 'subnets',
  path: 'subnets',
  attributes,
  list,
  missing: id => SubnetNotFound({ id }),
  async create({ unit, requester }, values) {
    const id = values.network_id ?? ''
    const network = await networkById(unit.db, id)
    const isOwner = requester.isAdmin || network?.projectId === requester.projectId
    if (network === undefined || (!isOwner && network.isShared === 0)) throw NetworkNotFound({ id })
    if (!isOwner) throw PolicyNotAuthorized({ rule: 'rule:create_subnet' })
    return (await createSubnet(unit, network, contentOf(requester, network.projectId, values))).id
  },
  async update({ unit }, seen, values) {
    const row = await subnetById(unit.db, seen.id)
    if (row === undefined) throw SubnetNotFound({ id: seen.id })
    await updateSubnet(unit, row, changesOf(values))
  },
  async remove({ unit }, seen) {
    const row = await subnetById(unit.db, seen.id)
    if (row === undefined) throw SubnetNotFound({ id: seen.id })
    await deleteSubnet(unit, row)
  },
}
