import { newUuid } from '#base'
import { NetworkNotFound, PortNotFound } from '../faults.ts'
import { BadResource, FloatingIpNotFound, GatewayForFloatingIpNotFound, PortHasFloatingIp } from '../l3-faults.ts'
import type { Db } from '../store/open.ts'
import type { FixedIpRow, FloatingIpRow, PortRow } from '../store/tables.ts'
import type { AddressRequest } from './allocate.ts'
import type { BindingGate } from './binding.ts'
import { touchServerOf, unassociated } from './floating-release.ts'
import { networkById } from './networks.ts'
import { deletePort, insertPort, portById } from './ports.ts'
import { checkQuota } from './quotas.ts'
import { ownPort } from './routers.ts'
import { subnetById } from './subnets.ts'
import { stamp, type Unit } from './unit.ts'

/** Addresses of external networks that stand for the fixed address of a port. */

export interface Association {
  readonly portId: string
  /** Needed where the port has more than one IPv4 address. */
  readonly fixedAddress: string | undefined
}

export interface FloatingIpRequest {
  readonly projectId: string
  readonly networkId: string
  readonly description: string
  readonly subnetId: string | undefined
  readonly address: string | undefined
  readonly association: Association | undefined
}

const refuse = (reason: string) => BadResource({ resource: 'floatingip', reason })

export async function floatingIpById(db: Db, id: string): Promise<FloatingIpRow | undefined> {
  return db.selectFrom('floatingIps').selectAll().where('id', '=', id).executeTakeFirst()
}

/** The router between a subnet and an external network; the one at the subnet's gateway address before any other. */
async function routerBetween(unit: Unit, subnetId: string, networkId: string): Promise<string | undefined> {
  const subnet = await subnetById(unit.db, subnetId)
  const candidates = await unit.db
    .selectFrom('routerInterfaces')
    .innerJoin('routers', 'routers.id', 'routerInterfaces.routerId')
    .innerJoin('fixedIps', 'fixedIps.portId', 'routerInterfaces.portId')
    .select(['routers.id', 'fixedIps.address'])
    .where('routerInterfaces.subnetId', '=', subnetId)
    .where('fixedIps.subnetId', '=', subnetId)
    .where('routers.externalNetworkId', '=', networkId)
    .orderBy('routers.createdAtMs')
    .execute()
  return (candidates.find(row => row.address === subnet?.gatewayIp) ?? candidates[0])?.id
}

const isIpv4 = (ip: FixedIpRow): boolean => !ip.address.includes(':')

function chosenIp(port: PortRow, ips: readonly FixedIpRow[], asked: string | undefined): FixedIpRow {
  if (asked !== undefined) {
    if (asked.includes(':')) {
      throw refuse(`Cannot process floating IP association with ${asked}, since that is not an IPv4 address`)
    }
    const ip = ips.find(item => item.address === asked)
    if (ip === undefined) throw refuse(`Port ${port.id} does not have fixed ip ${asked}`)
    return ip
  }
  const [first, more] = ips.filter(isIpv4)
  if (first === undefined) throw refuse(`Cannot add floating IP to port ${port.id} that has no fixed IPv4 addresses`)
  if (more !== undefined) {
    throw refuse(
      `Port ${port.id} has multiple fixed IPv4 addresses.  Must provide a specific IPv4 address when assigning a floating IP`,
    )
  }
  return first
}

interface Place {
  readonly portId: string
  readonly fixedAddress: string
  readonly routerId: string
}

async function placeFor(
  unit: Unit,
  ip: Pick<FloatingIpRow, 'id' | 'projectId' | 'networkId' | 'address' | 'portId' | 'fixedAddress'>,
  { portId, fixedAddress }: Association,
  mayUse: (port: PortRow) => boolean,
): Promise<Place> {
  const port = await portById(unit.db, portId)
  if (port === undefined) throw PortNotFound({ id: portId })
  if (port.projectId !== ip.projectId && !mayUse(port)) {
    throw refuse(
      `Cannot process floating IP association with Port ${portId}, since that port is owned by a different tenant`,
    )
  }
  if (port.deviceOwner.startsWith('network:')) throw refuse(`Port ${portId} is unable to be assigned a floating IP`)
  const ips = await unit.db
    .selectFrom('fixedIps')
    .selectAll()
    .where('portId', '=', portId)
    .orderBy('position')
    .execute()
  const { address, subnetId } = chosenIp(port, ips, fixedAddress)
  const routerId = await routerBetween(unit, subnetId, ip.networkId)
  if (routerId === undefined) throw GatewayForFloatingIpNotFound({ networkId: ip.networkId, subnetId, portId })
  const other = await unit.db
    .selectFrom('floatingIps')
    .select('id')
    .where('portId', '=', portId)
    .where('fixedAddress', '=', address)
    .where('networkId', '=', ip.networkId)
    .where('id', '!=', ip.id)
    .executeTakeFirst()
  if (other !== undefined) {
    throw PortHasFloatingIp({ address: ip.address, id: ip.id, portId, fixedIp: address, networkId: ip.networkId })
  }
  return { portId, fixedAddress: address, routerId }
}

const addressesFor = ({ subnetId, address }: FloatingIpRequest): readonly AddressRequest[] | undefined =>
  subnetId === undefined && address === undefined
    ? undefined
    : [{ ...(subnetId === undefined ? {} : { subnetId }), ...(address === undefined ? {} : { address }) }]

/** The port that keeps the address from everybody else. */
async function reserve(unit: Unit, gate: BindingGate, id: string, request: FloatingIpRequest) {
  const network = await networkById(unit.db, request.networkId)
  if (network === undefined) throw NetworkNotFound({ id: request.networkId })
  if (network.isExternal === 0) throw refuse(`Network ${network.id} is not a valid external network`)
  const v4 = await unit.db
    .selectFrom('subnets')
    .select('id')
    .where('networkId', '=', network.id)
    .where('ipVersion', '=', 4)
    .executeTakeFirst()
  if (v4 === undefined) throw refuse(`Network ${network.id} does not contain any IPv4 subnet`)
  const deviceOwner = 'network:floatingip'
  const fixedIps = addressesFor(request)
  // Nothing is plugged for it, so it is bound to no host.
  const content = { ...ownPort(gate, { projectId: '', deviceId: id, deviceOwner, fixedIps }), bindingHost: '' }
  const port = await insertPort(unit, gate, network, content)
  const ips = await unit.db.selectFrom('fixedIps').selectAll().where('portId', '=', port.id).execute()
  const ip = ips.find(isIpv4)
  if (ip === undefined) throw refuse(`Network ${network.id} does not contain any IPv4 subnet`)
  return { ownPortId: port.id, address: ip.address }
}

export async function createFloatingIp(
  unit: Unit,
  gate: BindingGate,
  request: FloatingIpRequest,
  mayUse: (port: PortRow) => boolean,
): Promise<FloatingIpRow> {
  const { projectId, networkId, description, association } = request
  await checkQuota(unit.db, projectId, 'floatingip')
  const id = newUuid()
  const made = await reserve(unit, gate, id, request)
  const bare: FloatingIpRow = { id, projectId, networkId, description, ...made, ...unassociated, ...stamp(unit) }
  const place = association === undefined ? undefined : await placeFor(unit, bare, association, mayUse)
  const row = place === undefined ? bare : { ...bare, ...place, status: 'ACTIVE' }
  await unit.db.insertInto('floatingIps').values(row).execute()
  if (place !== undefined) {
    unit.touched.ports.add(place.portId)
    await touchServerOf(unit, place.portId)
  }
  return row
}

/** `association` null: let go of the port it is on; undefined: leave it. */
export async function updateFloatingIp(
  unit: Unit,
  id: string,
  change: { association?: Association | null; description?: string },
  mayUse: (port: PortRow) => boolean,
): Promise<FloatingIpRow> {
  const row = await floatingIpById(unit.db, id)
  if (row === undefined) throw FloatingIpNotFound({ id })
  const { association, description = row.description } = change
  const place =
    association === undefined
      ? {}
      : association === null
        ? unassociated
        : { ...(await placeFor(unit, row, association, mayUse)), status: 'ACTIVE' }
  const next = { ...row, ...place, description, revision: row.revision + 1, updatedAtMs: unit.nowMs }
  await unit.db.updateTable('floatingIps').set(next).where('id', '=', id).execute()
  for (const portId of new Set([row.portId, next.portId])) {
    if (portId === null || association === undefined) continue
    unit.touched.ports.add(portId)
    await touchServerOf(unit, portId)
  }
  return next
}

export async function deleteFloatingIp(unit: Unit, id: string): Promise<void> {
  const row = await floatingIpById(unit.db, id)
  if (row === undefined) throw FloatingIpNotFound({ id })
  if (row.portId !== null) {
    unit.touched.ports.add(row.portId)
    await touchServerOf(unit, row.portId)
  }
  await unit.db.deleteFrom('tags').where('resourceId', '=', id).execute()
  await unit.db.deleteFrom('floatingIps').where('id', '=', id).execute()
  await deletePort(unit, row.ownPortId)
}

/** An external network goes with the floating addresses that nobody uses. */
export async function deleteUnusedFloatingIps(unit: Unit, networkId: string): Promise<void> {
  const unused = await unit.db
    .selectFrom('floatingIps')
    .select('id')
    .where('networkId', '=', networkId)
    .where('portId', 'is', null)
    .execute()
  for (const { id } of unused) await deleteFloatingIp(unit, id)
}
