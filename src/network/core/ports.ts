import { randomBytes } from 'node:crypto'
import { newUuid } from '#base'
import { affected, among, prepared } from '#store/engine'
import {
  MacAddressInUse,
  NetworkNotFound,
  PortNotFound,
  PortSecurityHasGroups,
  PortSecurityNeedsAddress,
  SecurityGroupNotFound,
} from '../faults.ts'
import type { Db } from '../store/open.ts'
import type { NetworkRow, PortRow } from '../store/tables.ts'
import { type AddressRequest, allocateAddresses } from './allocate.ts'
import { type BindingGate, bind } from './binding.ts'
import { releaseFloatingIps } from './floating-release.ts'
import { networkById } from './networks.ts'
import { checkQuota } from './quotas.ts'
import { ensureDefaultGroup } from './security-groups.ts'
import { stamp, type Unit } from './unit.ts'

export interface PortContent {
  readonly projectId: string
  readonly name: string
  readonly description: string
  readonly mac: string | undefined
  readonly isUp: boolean
  readonly deviceId: string
  readonly deviceOwner: string
  /** Undefined: what a port gets by default. */
  readonly fixedIps: readonly AddressRequest[] | undefined
  /** Undefined: the project's default group. */
  readonly groupIds: readonly string[] | undefined
  /** Undefined: as the network says. */
  readonly hasPortSecurity: boolean | undefined
  readonly bindingHost: string
  readonly vnicType: string
  readonly profile: Readonly<Record<string, unknown>>
  readonly dnsName: string
  /** Absent: that of the network. */
  readonly qosPolicyId?: string | null
}

const byId = prepared((db: Db, { id }: { id: string }) => db.selectFrom('ports').selectAll().where('id', '=', id))

export async function portById(db: Db, id: string): Promise<PortRow | undefined> {
  return (await byId(db, { id })).rows[0]
}

/** 16 million addresses under OpenStack's own prefix fa:16:3e. */
const newMac = (): string => `fa:16:3e:${[...randomBytes(3)].map(byte => byte.toString(16).padStart(2, '0')).join(':')}`

async function chooseMac(unit: Unit, networkId: string, asked: string | undefined): Promise<string> {
  for (let attempt = 0; attempt < 16; attempt++) {
    const mac = (asked ?? newMac()).toLowerCase()
    const taken = await unit.db
      .selectFrom('ports')
      .select('id')
      .where('networkId', '=', networkId)
      .where('mac', '=', mac)
      .executeTakeFirst()
    if (taken === undefined) return mac
    if (asked !== undefined) throw MacAddressInUse({ mac, networkId })
  }
  throw new Error('no free MAC address after 16 tries')
}

const isOurs = (port: { deviceOwner: string }): boolean => port.deviceOwner.startsWith('network:')

async function checkGroups(unit: Unit, projectId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const rows = await unit.db
    .selectFrom('securityGroups')
    .select('id')
    .where('id', 'in', among(ids))
    .where('projectId', '=', projectId)
    .execute()
  const known = new Set(rows.map(row => row.id))
  const unknown = ids.find(id => !known.has(id))
  if (unknown !== undefined) throw SecurityGroupNotFound({ id: unknown })
}

async function addGroups(unit: Unit, portId: string, groupIds: readonly string[]): Promise<void> {
  const unique = [...new Set(groupIds)]
  if (unique.length === 0) return
  await unit.db
    .insertInto('portSecurityGroups')
    .values(unique.map(groupId => ({ portId, groupId })))
    .execute()
}

async function hasAddress(unit: Unit, portId: string): Promise<boolean> {
  const row = await unit.db.selectFrom('fixedIps').select('portId').where('portId', '=', portId).executeTakeFirst()
  return row !== undefined
}

async function firstGroups(
  unit: Unit,
  port: PortRow,
  asked: readonly string[] | undefined,
): Promise<readonly string[]> {
  if (asked === undefined) {
    return port.portSecurity === 1 && !isOurs(port) ? [await ensureDefaultGroup(unit, port.projectId)] : []
  }
  if (asked.length > 0 && port.portSecurity === 0) throw PortSecurityNeedsAddress({})
  await checkGroups(unit, port.projectId, asked)
  return asked
}

export async function createPort(
  unit: Unit,
  gate: BindingGate,
  networkId: string,
  content: PortContent,
): Promise<PortRow> {
  const network = await networkById(unit.db, networkId)
  if (network === undefined) throw NetworkNotFound({ id: networkId })
  await checkQuota(unit.db, content.projectId, 'port')
  return insertPort(unit, gate, network, content)
}

/** A port for the service's own use needs no quota. */
export async function insertPort(
  unit: Unit,
  gate: BindingGate,
  network: NetworkRow,
  content: PortContent,
): Promise<PortRow> {
  const port = await portRow(unit, network, content)
  const binding = await bind(unit.db, gate, port)
  const bound = { ...port, ...binding, ...(binding.vifType === 'binding_failed' ? { status: 'DOWN' } : {}) }
  await unit.db.insertInto('ports').values(bound).execute()
  await allocateAddresses(unit, { portId: port.id, ...bound }, content.fixedIps)
  await addGroups(unit, port.id, await firstGroups(unit, bound, content.groupIds))
  unit.touched.ports.add(port.id)
  return bound
}

async function portRow(unit: Unit, network: NetworkRow, content: PortContent): Promise<PortRow> {
  const { projectId, name, description, deviceId, deviceOwner, bindingHost, vnicType, dnsName } = content
  const hasPortSecurity = content.hasPortSecurity ?? (network.portSecurity === 1 && !isOurs(content))
  return {
    id: newUuid(),
    networkId: network.id,
    projectId,
    name,
    description,
    mac: await chooseMac(unit, network.id, content.mac),
    isUp: Number(content.isUp),
    status: content.deviceOwner === 'network:floatingip' ? 'N/A' : isOurs(content) ? 'ACTIVE' : 'DOWN',
    deviceId,
    deviceOwner,
    portSecurity: Number(hasPortSecurity),
    bindingHost,
    vnicType,
    vifType: 'unbound',
    vifDetails: '{}',
    profile: JSON.stringify(content.profile),
    dnsName,
    isPlugged: 0,
    qosPolicyId: content.qosPolicyId ?? null,
    ...stamp(unit),
  }
}

export type PortChange = Partial<PortContent>

async function changeAddresses(unit: Unit, port: PortRow, asked: readonly AddressRequest[]): Promise<void> {
  const before = await unit.db
    .selectFrom('fixedIps')
    .selectAll()
    .where('portId', '=', port.id)
    .orderBy('position')
    .execute()
  await unit.db.deleteFrom('fixedIps').where('portId', '=', port.id).execute()
  // A request for a subnet without an address keeps an address the port already has there and nobody names.
  const named = new Set(asked.map(request => request.address))
  const free = before.filter(row => !named.has(row.address))
  const requests = asked.map(request => {
    if (request.address !== undefined || request.subnetId === undefined) return request
    const at = free.findIndex(row => row.subnetId === request.subnetId)
    const kept = at < 0 ? undefined : free.splice(at, 1)[0]
    return kept === undefined ? request : { subnetId: kept.subnetId, address: kept.address }
  })
  await allocateAddresses(unit, { portId: port.id, ...port }, requests)
  await releaseFloatingIps(unit, port.id, { onlyLost: true })
}

async function changeGroups(unit: Unit, port: PortRow, asked: readonly string[] | undefined): Promise<void> {
  if (asked !== undefined) {
    if (asked.length > 0 && (port.portSecurity === 0 || !(await hasAddress(unit, port.id))))
      throw PortSecurityNeedsAddress({})
    await checkGroups(unit, port.projectId, asked)
    await unit.db.deleteFrom('portSecurityGroups').where('portId', '=', port.id).execute()
    await addGroups(unit, port.id, asked)
    return
  }
  if (port.portSecurity === 1) return
  const held = await unit.db
    .selectFrom('portSecurityGroups')
    .select('groupId')
    .where('portId', '=', port.id)
    .executeTakeFirst()
  if (held !== undefined) throw PortSecurityHasGroups({})
}

const changedColumns = (change: PortChange): Partial<PortRow> => {
  const { isUp, hasPortSecurity, profile, fixedIps: _ips, groupIds: _groups, mac, ...plain } = change
  return {
    ...plain,
    ...(mac === undefined ? {} : { mac: mac.toLowerCase() }),
    ...(isUp === undefined ? {} : { isUp: Number(isUp) }),
    ...(hasPortSecurity === undefined ? {} : { portSecurity: Number(hasPortSecurity) }),
    ...(profile === undefined ? {} : { profile: JSON.stringify(profile) }),
  }
}

export async function updatePort(unit: Unit, gate: BindingGate, row: PortRow, change: PortChange): Promise<PortRow> {
  const changed: PortRow = { ...row, ...changedColumns(change), revision: row.revision + 1, updatedAtMs: unit.nowMs }
  if (changed.mac !== row.mac) await chooseMac(unit, row.networkId, changed.mac)
  // A failed binding is tried again whenever somebody asks for the binding.
  const rebind =
    change.bindingHost !== undefined && (row.bindingHost !== change.bindingHost || row.vifType === 'binding_failed')
  const bound = rebind ? { ...changed, ...(await bind(unit.db, gate, changed)) } : changed
  const isBound = bound.vifType !== 'unbound' && bound.vifType !== 'binding_failed'
  const isLive = bound.isPlugged === 1 && bound.isUp === 1 && isBound
  const next = isOurs(bound) ? bound : { ...bound, status: isLive ? 'ACTIVE' : 'DOWN' }
  await unit.db.updateTable('ports').set(next).where('id', '=', row.id).execute()
  if (rebind) await dropInactiveAt(unit, row.id, next.bindingHost)
  if (change.fixedIps !== undefined) await changeAddresses(unit, next, change.fixedIps)
  await changeGroups(unit, next, change.groupIds)
  unit.touched.ports.add(row.id)
  return next
}

/** A host holds one binding of a port. */
const dropInactiveAt = (unit: Unit, portId: string, host: string) =>
  unit.db.deleteFrom('inactiveBindings').where('portId', '=', portId).where('host', '=', host).execute()

export async function deletePort(unit: Unit, id: string): Promise<void> {
  await releaseFloatingIps(unit, id)
  const result = await unit.db.deleteFrom('ports').where('id', '=', id).executeTakeFirstOrThrow()
  if (affected(result) === 0) throw PortNotFound({ id })
  await unit.db.deleteFrom('tags').where('resourceId', '=', id).execute()
  unit.touched.ports.add(id)
}

/** The plugger connected the port, or took it away. */
export async function setPlugged(unit: Unit, row: PortRow, isPlugged: boolean): Promise<void> {
  const status = isPlugged && row.isUp === 1 ? 'ACTIVE' : 'DOWN'
  if (row.isPlugged === Number(isPlugged) && row.status === status) return
  await unit.db
    .updateTable('ports')
    .set({ isPlugged: Number(isPlugged), status, revision: row.revision + 1, updatedAtMs: unit.nowMs })
    .where('id', '=', row.id)
    .execute()
  unit.touched.ports.add(row.id)
}
