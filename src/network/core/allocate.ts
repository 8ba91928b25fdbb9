import { insertIgnore } from '#store/engine'
import { type Address, addressKey, contains, eui64Address, formatAddress, fromKey, parseAddress } from '../addresses.ts'
import {
  BadRequest,
  InvalidInput,
  InvalidIpForNetwork,
  InvalidIpForSubnet,
  IpAddressAlreadyAllocated,
  IpAddressGenerationFailure,
} from '../faults.ts'
import type { SubnetRow } from '../store/tables.ts'
import { cidrOf, hostRange, poolsOf } from './subnets.ts'
import type { Unit } from './unit.ts'

/**
 * Giving addresses to ports.
 *
 * An address belongs to whoever inserted the row (network, address): the primary key decides, so two processes that
 * choose the same free address cannot both have it; the loser takes the next one.
 */

export interface AddressRequest {
  readonly subnetId?: string
  readonly address?: string
}

export interface AddressOwner {
  readonly portId: string
  readonly networkId: string
  readonly mac: string
  readonly deviceOwner: string
}

const isAutomatic = (subnet: SubnetRow): boolean =>
  subnet.ipVersion === 6 && (subnet.ipv6AddressMode === 'slaac' || subnet.ipv6AddressMode === 'dhcpv6-stateless')

async function claim(
  unit: Unit,
  owner: AddressOwner,
  subnet: SubnetRow,
  address: Address,
  position: number,
): Promise<boolean> {
  return insertIgnore(unit.db, 'fixedIps', {
    networkId: owner.networkId,
    addressKey: addressKey(address),
    address: formatAddress(address.version, address.value),
    subnetId: subnet.id,
    portId: owner.portId,
    position,
  })
}

type Ranges = readonly { readonly first: bigint; readonly last: bigint }[]

function* upwards(ranges: Ranges): Generator<bigint> {
  for (const { first, last } of ranges) for (let value = first; value <= last; value++) yield value
}

function* downwards(ranges: Ranges): Generator<bigint> {
  for (const { first, last } of ranges.toReversed()) for (let value = last; value >= first; value--) yield value
}

/**
 * The lowest free address of the pools, for a DHCP server the highest: users like to give out the low ones by hand.
 * Undefined when there is none left.
 */
async function claimAny(
  unit: Unit,
  owner: AddressOwner,
  subnet: SubnetRow,
  position: number,
): Promise<string | undefined> {
  const { version } = cidrOf(subnet)
  const used = await unit.db.selectFrom('fixedIps').select('addressKey').where('subnetId', '=', subnet.id).execute()
  const taken = new Set(used.map(row => row.addressKey))
  const gateway = subnet.gatewayIp === null ? undefined : parseAddress(subnet.gatewayIp)
  if (gateway !== undefined) taken.add(addressKey(gateway))
  const pools = (await poolsOf(unit.db, [subnet.id])).get(subnet.id) ?? []
  const ranges = pools.map(pool => ({
    first: fromKey(version, pool.firstKey).value,
    last: fromKey(version, pool.lastKey).value,
  }))
  for (const value of owner.deviceOwner === 'network:dhcp' ? downwards(ranges) : upwards(ranges)) {
    const address: Address = { version, value }
    if (taken.has(addressKey(address))) continue
    if (await claim(unit, owner, subnet, address, position)) return formatAddress(version, value)
  }
  return undefined
}

async function claimExact(
  unit: Unit,
  owner: AddressOwner,
  subnet: SubnetRow,
  address: Address,
  position: number,
): Promise<string> {
  const text = formatAddress(address.version, address.value)
  const range = hostRange(cidrOf(subnet))
  if (address.value < range.first || address.value > range.last) throw InvalidIpForSubnet({ address: text })
  // The gateway address is a router's, or of an external network the host's.
  const isGateway = text === subnet.gatewayIp && !owner.deviceOwner.startsWith('network:router_interface')
  if (isGateway || !(await claim(unit, owner, subnet, address, position))) {
    throw IpAddressAlreadyAllocated({ address: text, subnetId: subnet.id })
  }
  return text
}

async function claimAutomatic(unit: Unit, owner: AddressOwner, subnet: SubnetRow, position: number): Promise<void> {
  const address = eui64Address(cidrOf(subnet), owner.mac)
  if (!(await claim(unit, owner, subnet, address, position))) {
    throw IpAddressAlreadyAllocated({ address: formatAddress(6, address.value), subnetId: subnet.id })
  }
}

function subnetFor(subnets: readonly SubnetRow[], owner: AddressOwner, request: AddressRequest): SubnetRow {
  const { subnetId, address: text } = request
  const address = text === undefined ? undefined : parseAddress(text)
  if (text !== undefined && address === undefined) throw InvalidInput({ reason: `'${text}' is not a valid IP address` })
  if (subnetId !== undefined) {
    const subnet = subnets.find(s => s.id === subnetId)
    if (subnet === undefined) {
      const reason = `Failed to create port on network ${owner.networkId}, because fixed_ips included invalid subnet ${subnetId}`
      throw InvalidInput({ reason })
    }
    if (address !== undefined && !contains(cidrOf(subnet), address)) throw InvalidIpForSubnet({ address: text ?? '' })
    return subnet
  }
  if (address === undefined) throw BadRequest({ reason: 'IP allocation requires subnet_id or ip_address' })
  const subnet = subnets.find(s => contains(cidrOf(s), address))
  if (subnet === undefined) throw InvalidIpForNetwork({ address: text ?? '' })
  return subnet
}

async function allocateAsked(
  unit: Unit,
  owner: AddressOwner,
  subnets: readonly SubnetRow[],
  requests: readonly AddressRequest[],
): Promise<void> {
  // Named addresses first, so that an automatic choice cannot take one of them.
  const order = requests.map((request, position) => ({ request, position }))
  order.sort((a, b) => Number(a.request.address === undefined) - Number(b.request.address === undefined))
  for (const { request, position } of order) {
    const subnet = subnetFor(subnets, owner, request)
    const address = request.address === undefined ? undefined : parseAddress(request.address)
    if (address !== undefined) await claimExact(unit, owner, subnet, address, position)
    else if (isAutomatic(subnet)) await claimAutomatic(unit, owner, subnet, position)
    else if ((await claimAny(unit, owner, subnet, position)) === undefined) {
      throw IpAddressGenerationFailure({ id: owner.networkId })
    }
  }
}

/** One IPv4 address, one IPv6 address, and one on every subnet where guests make their own. */
async function allocateDefault(unit: Unit, owner: AddressOwner, subnets: readonly SubnetRow[]): Promise<void> {
  let position = 0
  for (const version of [4, 6]) {
    const candidates = subnets.filter(subnet => subnet.ipVersion === version && !isAutomatic(subnet))
    let isDone = candidates.length === 0
    for (const subnet of candidates) {
      if ((await claimAny(unit, owner, subnet, position)) === undefined) continue
      isDone = true
      position++
      break
    }
    if (!isDone) throw IpAddressGenerationFailure({ id: owner.networkId })
  }
  for (const subnet of subnets.filter(isAutomatic)) await claimAutomatic(unit, owner, subnet, position++)
}

/** Gives the port the addresses it asked for, or (undefined) what a port gets by default. */
export async function allocateAddresses(
  unit: Unit,
  owner: AddressOwner,
  requests: readonly AddressRequest[] | undefined,
): Promise<void> {
  const subnets = await unit.db
    .selectFrom('subnets')
    .selectAll()
    .where('networkId', '=', owner.networkId)
    .orderBy('createdAtMs')
    .orderBy('id')
    .execute()
  if (requests === undefined) await allocateDefault(unit, owner, subnets)
  else await allocateAsked(unit, owner, subnets, requests)
}
