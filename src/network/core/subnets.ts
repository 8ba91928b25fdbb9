import { newUuid } from '#base'
import { among, prepared } from '#store/engine'
import {
  type Address,
  addressKey,
  type Cidr,
  contains,
  formatAddress,
  formatCidr,
  fromKey,
  type IpVersion,
  overlaps,
  parseAddress,
  parseCidr,
} from '../addresses.ts'
import {
  GatewayConflict,
  InvalidInput,
  InvalidPool,
  OutOfBoundsPool,
  OverlappingPools,
  SubnetInUse,
} from '../faults.ts'
import type { Db } from '../store/open.ts'
import type { AllocationPoolRow, NetworkRow, SubnetRow } from '../store/tables.ts'
import { ownPortOwners } from './own-ports.ts'
import { checkQuota } from './quotas.ts'
import { stamp, type Unit } from './unit.ts'

export interface Pool {
  readonly start: string
  readonly end: string
}

export type SubnetContent = Omit<
  SubnetRow,
  'id' | 'networkId' | 'gatewayIp' | 'revision' | 'createdAtMs' | 'updatedAtMs'
> & {
  /** Undefined: the first address. Null: none. */
  readonly gatewayIp: string | null | undefined
  readonly pools: readonly Pool[] | undefined
}

const subnetRow = prepared((db: Db, { id }: { id: string }) =>
  db.selectFrom('subnets').selectAll().where('id', '=', id),
)

export async function subnetById(db: Db, id: string): Promise<SubnetRow | undefined> {
  return (await subnetRow(db, { id })).rows[0]
}

export async function poolsOf(
  db: Db,
  subnetIds: readonly string[],
): Promise<ReadonlyMap<string, readonly AllocationPoolRow[]>> {
  if (subnetIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('allocationPools')
    .selectAll()
    .where('subnetId', 'in', among(subnetIds))
    .orderBy('firstKey')
    .execute()
  return Map.groupBy(rows, row => row.subnetId)
}

/** The cidr of a stored subnet; its text was checked when it was stored. */
export function cidrOf(subnet: Pick<SubnetRow, 'cidr'>): Cidr {
  const cidr = parseCidr(subnet.cidr)
  if (cidr === undefined) throw new Error(`stored subnet with a damaged cidr: ${subnet.cidr}`)
  return cidr
}

/** The addresses hosts may have: without network and broadcast address where the version and size have them. */
export function hostRange(cidr: Cidr): { first: bigint; last: bigint } {
  if (cidr.version === 4) {
    return cidr.prefix >= 31 ? cidr : { first: cidr.first + 1n, last: cidr.last - 1n }
  }
  return cidr.prefix >= 127 ? cidr : { first: cidr.first + 1n, last: cidr.last }
}

interface Range {
  readonly first: bigint
  readonly last: bigint
}

const poolText = (version: IpVersion, range: Range): string =>
  `${formatAddress(version, range.first)}-${formatAddress(version, range.last)}`

function defaultPools(cidr: Cidr, gateway: Address | undefined): Range[] {
  const all = hostRange(cidr)
  if (gateway === undefined || gateway.value < all.first || gateway.value > all.last) return [all]
  return [
    { first: all.first, last: gateway.value - 1n },
    { first: gateway.value + 1n, last: all.last },
  ].filter(range => range.first <= range.last)
}

function givenPools(cidr: Cidr, pools: readonly Pool[]): Range[] {
  const ranges = pools.map(pool => {
    const start = parseAddress(pool.start)
    const end = parseAddress(pool.end)
    const text = `${pool.start}-${pool.end}`
    if (start === undefined || end === undefined || start.version !== end.version || end.value < start.value) {
      throw InvalidPool({ pool: text })
    }
    if (!contains(cidr, start) || !contains(cidr, end)) throw OutOfBoundsPool({ pool: text, cidr: formatCidr(cidr) })
    return { first: start.value, last: end.value }
  })
  ranges.sort((a, b) => (a.first < b.first ? -1 : 1))
  ranges.forEach((range, i) => {
    const before = ranges[i - 1]
    if (before === undefined || before.last < range.first) return
    const [pool, other] = [poolText(cidr.version, before), poolText(cidr.version, range)]
    throw OverlappingPools({ pool, other, cidr: formatCidr(cidr) })
  })
  return ranges
}

function gatewayOf(cidr: Cidr, asked: string | null | undefined): Address | undefined {
  if (asked === null) return undefined
  if (asked === undefined) return { version: cidr.version, value: hostRange(cidr).first }
  const address = parseAddress(asked)
  if (address === undefined || !contains(cidr, address))
    throw InvalidInput({ reason: 'Gateway is not valid on subnet' })
  return address
}

function checkGatewayOutsidePools(cidr: Cidr, gateway: Address | undefined, pools: readonly Range[]): void {
  if (gateway === undefined) return
  const pool = pools.find(range => gateway.value >= range.first && gateway.value <= range.last)
  if (pool === undefined) return
  throw GatewayConflict({ address: formatAddress(cidr.version, gateway.value), pool: poolText(cidr.version, pool) })
}

async function checkOverlap(unit: Unit, network: NetworkRow, cidr: Cidr): Promise<void> {
  const others = await unit.db.selectFrom('subnets').select('cidr').where('networkId', '=', network.id).execute()
  if (others.some(other => overlaps(cidrOf(other), cidr))) {
    throw InvalidInput({
      reason: `Requested subnet with cidr: ${formatCidr(cidr)} for network: ${network.id} overlaps with another subnet`,
    })
  }
}

async function writePools(unit: Unit, subnetId: string, version: IpVersion, pools: readonly Range[]): Promise<void> {
  await unit.db.deleteFrom('allocationPools').where('subnetId', '=', subnetId).execute()
  if (pools.length === 0) return
  const key = (value: bigint) => addressKey({ version, value })
  await unit.db
    .insertInto('allocationPools')
    .values(pools.map(pool => ({ subnetId, firstKey: key(pool.first), lastKey: key(pool.last) })))
    .execute()
}

export async function createSubnet(unit: Unit, network: NetworkRow, content: SubnetContent): Promise<SubnetRow> {
  const { pools: asked, gatewayIp, ...rest } = content
  const cidr = cidrOf(rest)
  await checkQuota(unit.db, content.projectId, 'subnet')
  await checkOverlap(unit, network, cidr)
  const gateway = gatewayOf(cidr, gatewayIp)
  const pools = asked === undefined ? defaultPools(cidr, gateway) : givenPools(cidr, asked)
  checkGatewayOutsidePools(cidr, gateway, pools)
  const row: SubnetRow = {
    id: newUuid(),
    networkId: network.id,
    ...rest,
    cidr: formatCidr(cidr),
    gatewayIp: gateway === undefined ? null : formatAddress(gateway.version, gateway.value),
    ...stamp(unit),
  }
  await unit.db.insertInto('subnets').values(row).execute()
  await writePools(unit, row.id, cidr.version, pools)
  unit.touched.networks.add(network.id)
  return row
}

export async function updateSubnet(unit: Unit, row: SubnetRow, change: Partial<SubnetContent>): Promise<SubnetRow> {
  const { pools: asked, gatewayIp, ...rest } = change
  const cidr = cidrOf(row)
  const current = await poolsOf(unit.db, [row.id])
  const kept = (current.get(row.id) ?? []).map(pool => ({
    first: fromKey(cidr.version, pool.firstKey).value,
    last: fromKey(cidr.version, pool.lastKey).value,
  }))
  const pools = asked === undefined ? kept : givenPools(cidr, asked)
  const gateway = gatewayOf(cidr, gatewayIp === undefined ? row.gatewayIp : gatewayIp)
  checkGatewayOutsidePools(cidr, gateway, pools)
  const text = gateway === undefined ? null : formatAddress(gateway.version, gateway.value)
  const next: SubnetRow = { ...row, ...rest, gatewayIp: text, revision: row.revision + 1, updatedAtMs: unit.nowMs }
  await unit.db.updateTable('subnets').set(next).where('id', '=', row.id).execute()
  if (asked !== undefined) await writePools(unit, row.id, cidr.version, pools)
  unit.touched.networks.add(row.networkId)
  return next
}

export async function deleteSubnet(unit: Unit, row: SubnetRow): Promise<void> {
  const used = await unit.db
    .selectFrom('fixedIps')
    .innerJoin('ports', 'ports.id', 'fixedIps.portId')
    .select('ports.id')
    .where('fixedIps.subnetId', '=', row.id)
    .where('ports.deviceOwner', 'not in', ownPortOwners)
    .executeTakeFirst()
  if (used !== undefined) throw SubnetInUse({ id: row.id })
  await removeSubnetRows(unit, row.id)
  unit.touched.networks.add(row.networkId)
}

export async function removeSubnetRows(unit: Unit, id: string): Promise<void> {
  await unit.db.deleteFrom('fixedIps').where('subnetId', '=', id).execute()
  await unit.db.deleteFrom('tags').where('resourceId', '=', id).execute()
  await unit.db.deleteFrom('subnets').where('id', '=', id).execute()
}
