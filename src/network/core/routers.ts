import { newUuid } from '#base'
import { overlaps } from '../addresses.ts'
import { NetworkNotFound } from '../faults.ts'
import { BadResource, GatewayInUseByFloatingIp, RouterInUse, RouterNotFound } from '../l3-faults.ts'
import type { Db } from '../store/open.ts'
import type { PortRow, RouterRow, SubnetRow } from '../store/tables.ts'
import type { AddressRequest } from './allocate.ts'
import { type BindingGate, gatewayOwner } from './binding.ts'
import { networkById } from './networks.ts'
import { insertPort, type PortContent, portById, updatePort } from './ports.ts'
import { checkQuota } from './quotas.ts'
import { cidrOf } from './subnets.ts'
import { stamp, type Unit } from './unit.ts'

/** Routers: what joins subnets with each other and, through a gateway port, with an external network. */

export const interfaceOwner = 'network:router_interface'

/** What the external gateway shall be; `null`: none. */
export type GatewayWish = { networkId: string; snat: boolean; addresses: readonly AddressRequest[] } | null

export async function routerById(db: Db, id: string): Promise<RouterRow | undefined> {
  return db.selectFrom('routers').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function routerOrThrow(db: Db, id: string): Promise<RouterRow> {
  const row = await routerById(db, id)
  if (row === undefined) throw RouterNotFound({ id })
  return row
}

export async function changeRouter(unit: Unit, row: RouterRow, change: Partial<RouterRow>): Promise<RouterRow> {
  const next = { ...row, ...change, revision: row.revision + 1, updatedAtMs: unit.nowMs }
  await unit.db.updateTable('routers').set(next).where('id', '=', row.id).execute()
  await touchRouter(unit, row.id)
  return next
}

/** The host's paths follow routers by the networks they join. */
export async function touchRouter(unit: Unit, id: string): Promise<void> {
  const joined = await unit.db
    .selectFrom('routerInterfaces')
    .innerJoin('ports', 'ports.id', 'routerInterfaces.portId')
    .select('ports.networkId')
    .where('routerInterfaces.routerId', '=', id)
    .execute()
  for (const { networkId } of joined) unit.touched.networks.add(networkId)
}

const plainPort = {
  name: '',
  description: '',
  mac: undefined,
  isUp: true,
  groupIds: [],
  hasPortSecurity: false,
  vnicType: 'normal',
  profile: {},
  dnsName: '',
} as const

/** A port of the service itself, on the host that it plumbs. */
export const ownPort = (
  gate: BindingGate,
  asked: Pick<PortContent, 'projectId' | 'deviceId' | 'deviceOwner' | 'fixedIps'>,
): PortContent => ({ ...plainPort, bindingHost: gate.plumbedHost ?? '', ...asked })

export async function createRouter(
  unit: Unit,
  content: Pick<RouterRow, 'projectId' | 'name' | 'description' | 'isUp'>,
): Promise<RouterRow> {
  await checkQuota(unit.db, content.projectId, 'router')
  const row: RouterRow = {
    id: newUuid(),
    ...content,
    externalNetworkId: null,
    snat: 1,
    externalPortId: null,
    routes: '[]',
    ...stamp(unit),
  }
  await unit.db.insertInto('routers').values(row).execute()
  return row
}

/** Subnets that the router reaches: of its interfaces, and all of its external network. */
export async function reachedSubnets(db: Db, router: RouterRow): Promise<readonly SubnetRow[]> {
  const own = db.selectFrom('routerInterfaces').select('subnetId').where('routerId', '=', router.id)
  return db
    .selectFrom('subnets')
    .selectAll()
    .where(eb => eb.or([eb('id', 'in', own), eb('networkId', '=', router.externalNetworkId ?? '')]))
    .execute()
}

export async function checkNewSubnets(unit: Unit, router: RouterRow, fresh: readonly SubnetRow[]): Promise<void> {
  const reached = await reachedSubnets(unit.db, router)
  const refuse = (reason: string) => BadResource({ resource: 'router', reason })
  for (const subnet of fresh) {
    if (reached.some(other => other.id === subnet.id)) throw refuse(`Router already has a port on subnet ${subnet.id}`)
  }
  for (const other of reached) {
    for (const subnet of fresh) {
      if (!overlaps(cidrOf(other), cidrOf(subnet))) continue
      throw refuse(`Cidr ${subnet.cidr} of subnet ${subnet.id} overlaps with cidr ${other.cidr} of subnet ${other.id}`)
    }
  }
}

async function removeGateway(unit: Unit, router: RouterRow): Promise<void> {
  if (router.externalPortId === null) return
  const used = await unit.db.selectFrom('floatingIps').select('id').where('routerId', '=', router.id).executeTakeFirst()
  if (used !== undefined) throw GatewayInUseByFloatingIp({ id: router.id, networkId: router.externalNetworkId ?? '' })
  await unit.db.deleteFrom('ports').where('id', '=', router.externalPortId).execute()
  unit.touched.ports.add(router.externalPortId)
}

const isSame = (held: readonly { subnetId: string; address: string }[], asked: readonly AddressRequest[]): boolean => {
  const wanted = asked.every(ask =>
    held.some(
      ip =>
        (ask.address === undefined || ask.address === ip.address) &&
        (ask.subnetId === undefined || ask.subnetId === ip.subnetId),
    ),
  )
  return wanted && asked.length === held.length
}

async function checkGateway(unit: Unit, wish: NonNullable<GatewayWish>): Promise<readonly SubnetRow[]> {
  const network = await networkById(unit.db, wish.networkId)
  if (network === undefined) throw NetworkNotFound({ id: wish.networkId })
  const refuse = (reason: string) => BadResource({ resource: 'router', reason })
  if (network.isExternal === 0) throw refuse(`Network ${network.id} is not an external network`)
  const subnets = await unit.db.selectFrom('subnets').selectAll().where('networkId', '=', network.id).execute()
  for (const { address } of wish.addresses) {
    if (address !== undefined && subnets.some(subnet => subnet.gatewayIp === address)) {
      throw refuse(`External IP ${address} is the same as the gateway IP`)
    }
  }
  return subnets
}

async function changeGatewayAddresses(
  unit: Unit,
  gate: BindingGate,
  port: PortRow,
  addresses: readonly AddressRequest[],
): Promise<void> {
  const held = await unit.db.selectFrom('fixedIps').selectAll().where('portId', '=', port.id).execute()
  if (addresses.length > 0 && !isSame(held, addresses)) await updatePort(unit, gate, port, { fixedIps: addresses })
}

/** Brings the gateway to what is wished: same network, and only its addresses change; else the old port goes. */
export async function setGateway(
  unit: Unit,
  gate: BindingGate,
  router: RouterRow,
  wish: GatewayWish,
): Promise<RouterRow> {
  if (wish === null) {
    await removeGateway(unit, router)
    return changeRouter(unit, router, { externalNetworkId: null, externalPortId: null, snat: 1 })
  }
  const subnets = await checkGateway(unit, wish)
  const snat = Number(wish.snat)
  const port = router.externalPortId === null ? undefined : await portById(unit.db, router.externalPortId)
  if (port !== undefined && port.networkId === wish.networkId) {
    await changeGatewayAddresses(unit, gate, port, wish.addresses)
    return changeRouter(unit, router, { snat })
  }
  await removeGateway(unit, router)
  const bare = { ...router, externalNetworkId: null, externalPortId: null }
  await checkNewSubnets(unit, bare, subnets)
  const network = await networkById(unit.db, wish.networkId)
  if (network === undefined) throw NetworkNotFound({ id: wish.networkId })
  const content = ownPort(gate, {
    projectId: '',
    deviceId: router.id,
    deviceOwner: gatewayOwner,
    fixedIps: wish.addresses.length > 0 ? wish.addresses : undefined,
  })
  const made = await insertPort(unit, gate, network, content)
  return changeRouter(unit, bare, { snat, externalNetworkId: network.id, externalPortId: made.id })
}

export async function deleteRouter(unit: Unit, id: string): Promise<void> {
  const router = await routerOrThrow(unit.db, id)
  const interfaces = await unit.db.selectFrom('routerInterfaces').select('portId').where('routerId', '=', id).execute()
  if (interfaces.length > 0) {
    const portIds = [...new Set(interfaces.map(row => row.portId))].join(', ')
    throw RouterInUse({ id, reason: `has ports still attached: ${portIds}` })
  }
  await removeGateway(unit, router)
  await unit.db.deleteFrom('tags').where('resourceId', '=', id).execute()
  await unit.db.deleteFrom('routers').where('id', '=', id).execute()
}
