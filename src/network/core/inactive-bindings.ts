import { affected } from '#store/engine'
import {
  PortBindingAlreadyActive,
  PortBindingAlreadyExists,
  PortBindingError,
  PortBindingNotFound,
  PortNotFound,
} from '../faults.ts'
import type { Db } from '../store/open.ts'
import type { InactiveBindingRow, PortRow } from '../store/tables.ts'
import { type BindingGate, bind } from './binding.ts'
import { portById } from './ports.ts'
import type { Unit } from './unit.ts'

/**
 * The bindings of a port beyond its active one, for guests that move: made on the target while the source still runs,
 * then one of them is made the active one in a single step.
 */

export interface Binding extends Omit<InactiveBindingRow, 'portId'> {
  readonly isActive: boolean
}

export interface BindingRequest {
  readonly host: string
  readonly vnicType: string
  readonly profile: Readonly<Record<string, unknown>>
}

const activeOf = (port: PortRow): readonly Binding[] => {
  const { bindingHost: host, vnicType, vifType, vifDetails, profile } = port
  return host === '' ? [] : [{ host, vnicType, vifType, vifDetails, profile, isActive: true }]
}

async function inactiveOf(db: Db, portId: string): Promise<readonly Binding[]> {
  const rows = await db
    .selectFrom('inactiveBindings')
    .select(['host', 'vnicType', 'vifType', 'vifDetails', 'profile'])
    .where('portId', '=', portId)
    .orderBy('host')
    .execute()
  return rows.map(row => ({ ...row, isActive: false }))
}

export const bindingsOf = async (db: Db, port: PortRow): Promise<readonly Binding[]> => [
  ...activeOf(port),
  ...(await inactiveOf(db, port.id)),
]

async function current(unit: Unit, id: string): Promise<PortRow> {
  const port = await portById(unit.db, id)
  if (port === undefined) throw PortNotFound({ id })
  return port
}

/** What the port would be connected by on that host. */
async function tried(unit: Unit, gate: BindingGate, port: PortRow, asked: BindingRequest) {
  const { host, vnicType, profile } = asked
  const wanted = { vnicType, profile: JSON.stringify(profile) }
  const { vifType, vifDetails } = await bind(unit.db, gate, { ...port, ...wanted, bindingHost: host })
  if (vifType === 'binding_failed') throw PortBindingError({ id: port.id, host }, { detail: vifDetails })
  return { ...wanted, vifType, vifDetails }
}

async function write(unit: Unit, port: PortRow, change: Partial<PortRow>): Promise<void> {
  const stamped = { ...change, revision: port.revision + 1, updatedAtMs: unit.nowMs }
  await unit.db.updateTable('ports').set(stamped).where('id', '=', port.id).execute()
  unit.touched.ports.add(port.id)
}

const down = { isPlugged: 0, status: 'DOWN' } as const

/** The first binding of a port is active, any other waits. */
export async function addBinding(unit: Unit, gate: BindingGate, id: string, asked: BindingRequest): Promise<void> {
  const port = await current(unit, id)
  const { host } = asked
  if ((await bindingsOf(unit.db, port)).some(binding => binding.host === host)) {
    throw PortBindingAlreadyExists({ id, host })
  }
  const made = await tried(unit, gate, port, asked)
  if (port.bindingHost === '') {
    await write(unit, port, { ...made, ...down, bindingHost: host })
    return
  }
  await unit.db
    .insertInto('inactiveBindings')
    .values({ portId: id, host, ...made })
    .execute()
  // That host makes ready for the guest before it arrives.
  unit.touched.ports.add(id)
}

export async function changeBinding(
  unit: Unit,
  gate: BindingGate,
  id: string,
  host: string,
  change: Partial<BindingRequest>,
): Promise<void> {
  const port = await current(unit, id)
  const old = (await bindingsOf(unit.db, port)).find(binding => binding.host === host)
  if (old === undefined) throw PortBindingNotFound({ id, host })
  const { vnicType = old.vnicType, profile = JSON.parse(old.profile) as BindingRequest['profile'] } = change
  const made = await tried(unit, gate, port, { host, vnicType, profile })
  if (old.isActive) {
    await write(unit, port, { ...made, ...down })
    return
  }
  await unit.db.updateTable('inactiveBindings').set(made).where('portId', '=', id).where('host', '=', host).execute()
}

/** From now on the port lives on that host; the binding it had stays behind, inactive, until somebody deletes it. */
export async function activateBinding(unit: Unit, id: string, host: string): Promise<void> {
  const port = await current(unit, id)
  if (port.bindingHost === host) throw PortBindingAlreadyActive({ id, host })
  const target = (await inactiveOf(unit.db, id)).find(binding => binding.host === host)
  if (target === undefined) throw PortBindingNotFound({ id, host })
  const { vnicType, vifType, vifDetails, profile } = target
  const active = { bindingHost: host, vnicType, vifType, vifDetails, profile, ...down }
  await write(unit, port, active)
  await removeInactive(unit, id, host)
  if (port.bindingHost !== '') {
    const left = { portId: id, host: port.bindingHost, vnicType: port.vnicType, profile: port.profile }
    await unit.db
      .insertInto('inactiveBindings')
      .values({ ...left, vifType: 'unbound', vifDetails: '{}' })
      .execute()
  }
}

/** False: there was none. */
export async function removeInactive(unit: Unit, id: string, host: string): Promise<boolean> {
  unit.touched.ports.add(id)
  const result = await unit.db
    .deleteFrom('inactiveBindings')
    .where('portId', '=', id)
    .where('host', '=', host)
    .executeTakeFirstOrThrow()
  return affected(result) > 0
}

export async function deleteBinding(unit: Unit, id: string, host: string): Promise<void> {
  const port = await current(unit, id)
  if (port.bindingHost === host) {
    await write(unit, port, { ...down, bindingHost: '', vifType: 'unbound', vifDetails: '{}' })
  } else if (!(await removeInactive(unit, id, host))) throw PortBindingNotFound({ id, host })
}
