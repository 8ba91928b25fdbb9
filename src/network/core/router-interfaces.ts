import { contains, parseAddress } from '../addresses.ts'
import { PortInUse, PortNotFound, SubnetNotFound } from '../faults.ts'
import {
  BadResource,
  RouterInterfaceInUseByFloatingIp,
  RouterInterfaceInUseByRoute,
  RouterInterfaceNotFound,
  RouterInterfaceNotFoundForSubnet,
  SubnetMismatchForPort,
} from '../l3-faults.ts'
import type { FixedIpRow, PortRow, RouterRow, SubnetRow } from '../store/tables.ts'
import type { BindingGate } from './binding.ts'
import { networkById } from './networks.ts'
import { deletePort, insertPort, portById, updatePort } from './ports.ts'
import { checkNewSubnets, interfaceOwner, ownPort, touchRouter } from './routers.ts'
import { cidrOf, subnetById } from './subnets.ts'
import type { Unit } from './unit.ts'

/** The ports of a router inside: one for a subnet at its gateway address, or a port that the user made. */

export interface Joined {
  readonly port: Pick<PortRow, 'id' | 'networkId' | 'projectId'>
  readonly subnetIds: readonly string[]
}

const refuse = (reason: string) => BadResource({ resource: 'router', reason })

async function subnetsOf(unit: Unit, portId: string): Promise<readonly (SubnetRow & { address: string })[]> {
  const ips: readonly FixedIpRow[] = await unit.db
    .selectFrom('fixedIps')
    .selectAll()
    .where('portId', '=', portId)
    .orderBy('position')
    .execute()
  const found = []
  for (const ip of ips) {
    const subnet = await subnetById(unit.db, ip.subnetId)
    if (subnet !== undefined) found.push({ ...subnet, address: ip.address })
  }
  return found
}

async function record(unit: Unit, router: RouterRow, portId: string, subnetIds: readonly string[]): Promise<void> {
  await unit.db
    .insertInto('routerInterfaces')
    .values(subnetIds.map(subnetId => ({ routerId: router.id, portId, subnetId })))
    .execute()
  await touchRouter(unit, router.id)
}

/** `mayUse`: whether the caller may join this subnet, which may be somebody else's. */
export async function joinSubnet(
  unit: Unit,
  gate: BindingGate,
  router: RouterRow,
  subnetId: string,
  mayUse: (subnet: SubnetRow) => boolean,
): Promise<Joined> {
  const subnet = await subnetById(unit.db, subnetId)
  if (subnet === undefined) throw SubnetNotFound({ id: subnetId })
  if (subnet.gatewayIp === null) throw refuse('Subnet for router interface must have a gateway IP')
  if (!mayUse(subnet)) {
    throw refuse(`Cannot add interface to router because subnet ${subnetId} is not owned by project making the request`)
  }
  const network = await networkById(unit.db, subnet.networkId)
  if (network === undefined) throw SubnetNotFound({ id: subnetId })
  await checkNewSubnets(unit, router, [subnet])
  const content = ownPort(gate, {
    projectId: router.projectId,
    deviceId: router.id,
    deviceOwner: interfaceOwner,
    fixedIps: [{ subnetId, address: subnet.gatewayIp }],
  })
  const port = await insertPort(unit, gate, network, content)
  await record(unit, router, port.id, [subnetId])
  return { port, subnetIds: [subnetId] }
}

export async function joinPort(unit: Unit, gate: BindingGate, router: RouterRow, portId: string): Promise<Joined> {
  const port = await portById(unit.db, portId)
  if (port === undefined) throw PortNotFound({ id: portId })
  if (port.deviceId !== '') throw PortInUse({ id: portId, networkId: port.networkId, deviceId: port.deviceId })
  const subnets = await subnetsOf(unit, portId)
  if (subnets.length === 0) throw refuse('Router port must have at least one fixed IP')
  await checkNewSubnets(unit, router, subnets)
  if (subnets.filter(subnet => subnet.ipVersion === 4).length > 1) {
    throw refuse('Cannot have multiple IPv4 subnets on router port')
  }
  const change = { deviceId: router.id, deviceOwner: interfaceOwner, groupIds: [], hasPortSecurity: false }
  await updatePort(unit, gate, port, { ...change, bindingHost: gate.plumbedHost ?? '' })
  const subnetIds = [...new Set(subnets.map(subnet => subnet.id))]
  await record(unit, router, portId, subnetIds)
  return { port, subnetIds }
}

async function checkFree(unit: Unit, router: RouterRow, subnetIds: readonly string[]): Promise<void> {
  const routes = JSON.parse(router.routes) as { nexthop: string }[]
  for (const subnetId of subnetIds) {
    const held = await unit.db
      .selectFrom('floatingIps')
      .innerJoin('fixedIps', 'fixedIps.portId', 'floatingIps.portId')
      .select('floatingIps.id')
      .where('floatingIps.routerId', '=', router.id)
      .where('fixedIps.subnetId', '=', subnetId)
      .whereRef('fixedIps.address', '=', 'floatingIps.fixedAddress')
      .executeTakeFirst()
    if (held !== undefined) throw RouterInterfaceInUseByFloatingIp({ id: router.id, subnetId })
    const subnet = await subnetById(unit.db, subnetId)
    const hops = routes.flatMap(route => parseAddress(route.nexthop) ?? [])
    if (subnet !== undefined && hops.some(hop => contains(cidrOf(subnet), hop))) {
      throw RouterInterfaceInUseByRoute({ id: router.id, subnetId })
    }
  }
}

async function leave(unit: Unit, router: RouterRow, portId: string): Promise<Joined> {
  const port = await portById(unit.db, portId)
  if (port === undefined) throw RouterInterfaceNotFound({ id: router.id, portId })
  const subnets = await subnetsOf(unit, portId)
  const subnetIds = [...new Set(subnets.map(subnet => subnet.id))]
  await checkFree(unit, router, subnetIds)
  await touchRouter(unit, router.id)
  await unit.db.deleteFrom('routerInterfaces').where('portId', '=', portId).execute()
  await deletePort(unit, portId)
  return { port, subnetIds }
}

export async function leavePort(
  unit: Unit,
  router: RouterRow,
  portId: string,
  subnetId: string | undefined,
): Promise<Joined> {
  const rows = await unit.db
    .selectFrom('routerInterfaces')
    .select('subnetId')
    .where('routerId', '=', router.id)
    .where('portId', '=', portId)
    .execute()
  if (rows.length === 0) throw RouterInterfaceNotFound({ id: router.id, portId })
  if (subnetId !== undefined && !rows.some(row => row.subnetId === subnetId)) {
    throw SubnetMismatchForPort({ portId, subnetId })
  }
  return leave(unit, router, portId)
}

export async function leaveSubnet(unit: Unit, router: RouterRow, subnetId: string): Promise<Joined> {
  if ((await subnetById(unit.db, subnetId)) === undefined) throw SubnetNotFound({ id: subnetId })
  const row = await unit.db
    .selectFrom('routerInterfaces')
    .select('portId')
    .where('routerId', '=', router.id)
    .where('subnetId', '=', subnetId)
    .executeTakeFirst()
  if (row === undefined) throw RouterInterfaceNotFoundForSubnet({ id: router.id, subnetId })
  return { ...(await leave(unit, router, row.portId)), subnetIds: [subnetId] }
}
