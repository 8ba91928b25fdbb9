import { isDeepStrictEqual } from 'node:util'
import { type NetworkPort, type PortBinding, PortNotBound } from '#cloud'
import type { BindingGate } from './core/binding.ts'
import { activateBinding, addBinding, bindingsOf, changeBinding, removeInactive } from './core/inactive-bindings.ts'
import { portById } from './core/ports.ts'
import type { Unit, Work } from './core/unit.ts'
import { PortBindingError, PortNotFound } from './faults.ts'

/** What moves of servers ask of the network: bindings on the target beside those on the source. */

type Moves = Pick<NetworkPort, 'addTargetBindings' | 'activateTargetBindings' | 'dropTargetBindings'>

async function bindingAt(unit: Unit, portId: string, host: string): Promise<PortBinding | undefined> {
  const port = await portById(unit.db, portId)
  if (port === undefined) throw PortNotFound({ id: portId })
  const found = (await bindingsOf(unit.db, port)).find(binding => binding.host === host)
  if (found === undefined) return undefined
  const details = JSON.parse(found.vifDetails) as PortBinding['vifDetails']
  const profile = JSON.parse(found.profile) as PortBinding['profile']
  return { portId, host, vnicType: found.vnicType, vifType: found.vifType, vifDetails: details, profile }
}

async function added(
  unit: Unit,
  gate: BindingGate,
  portId: string,
  host: string,
  wanted: PortBinding['profile'] | undefined,
): Promise<PortBinding> {
  const known = await bindingAt(unit, portId, host)
  if (known !== undefined && (wanted === undefined || isDeepStrictEqual(known.profile, wanted))) return known
  const port = await portById(unit.db, portId)
  if (port === undefined) throw PortNotFound({ id: portId })
  const profile = wanted ?? (JSON.parse(port.profile) as PortBinding['profile'])
  try {
    if (known === undefined) await addBinding(unit, gate, portId, { host, vnicType: port.vnicType, profile })
    else await changeBinding(unit, gate, portId, host, { profile })
  } catch (error) {
    if (!PortBindingError.is(error)) throw error
    throw PortNotBound(
      { id: portId },
      { cause: error, ...(error.detail === undefined ? {} : { detail: error.detail }) },
    )
  }
  const made = await bindingAt(unit, portId, host)
  if (made === undefined) throw PortNotBound({ id: portId })
  return made
}

export const targetBindings = ({ work, gate }: { work: Work; gate: BindingGate }): Moves => ({
  addTargetBindings: (portIds, host, profiles) =>
    work.run(async unit => {
      const bindings: PortBinding[] = []
      for (const id of portIds) bindings.push(await added(unit, gate, id, host, profiles?.get(id)))
      return bindings
    }),
  activateTargetBindings: (portIds, host) =>
    work.run(async unit => {
      for (const id of portIds) {
        const port = await portById(unit.db, id)
        if (port?.bindingHost !== host) await activateBinding(unit, id, host)
      }
    }),
  dropTargetBindings: (portIds, host) =>
    work.run(async unit => {
      for (const id of portIds) await removeInactive(unit, id, host)
    }),
})
