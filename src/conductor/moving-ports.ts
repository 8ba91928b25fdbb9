import type { PortBinding } from '#cloud'
import type { Instance, Vif } from '#model'
import type { ConductorDeps } from './deps.ts'
import { profilesAt } from './port-profiles.ts'

/** The server's ports that are there; a port that somebody took away while it was attached is not worth a failed move. */
async function portsOf(d: ConductorDeps, instance: Instance): Promise<readonly string[]> {
  const ports = await d.network.ports('service', { deviceId: instance.id })
  const present = new Set(ports.map(port => port.id))
  return instance.networkInfo.map(vif => vif.portId).filter(id => present.has(id))
}

const bound = (vifs: readonly Vif[], bindings: readonly PortBinding[]): readonly Vif[] => {
  const byPort = new Map(bindings.map(binding => [binding.portId, binding]))
  return vifs.map(vif => {
    const binding = byPort.get(vif.portId)
    return binding === undefined ? vif : { ...vif, vifType: binding.vifType, details: binding.vifDetails }
  })
}

/** The interfaces as they will be on that host; the present ones stay in use. `holder`: who has the place there. */
export async function prepareBindings(
  d: ConductorDeps,
  instance: Instance,
  host: string,
  holder?: string,
): Promise<readonly Vif[]> {
  const ids = await portsOf(d, instance)
  if (ids.length === 0) return instance.networkInfo
  const profiles = await profilesAt(d, instance, host, holder)
  return bound(instance.networkInfo, await d.network.addTargetBindings(ids, host, profiles))
}

export async function dropBindings(d: ConductorDeps, instance: Instance, host: string): Promise<void> {
  const ids = await portsOf(d, instance)
  if (ids.length > 0) await d.network.dropTargetBindings(ids, host)
}

/** Traffic goes to that host from now on. */
export async function activateBindings(d: ConductorDeps, instance: Instance, to: string): Promise<readonly string[]> {
  const ids = await portsOf(d, instance)
  if (ids.length === 0) return ids
  await d.network.activateTargetBindings(ids, to)
  for (const id of ids) await d.plugger?.plug(id)
  return ids
}

/** Traffic goes to a host again that it has left: the network has forgotten by what the ports were bound there. */
export async function returnBindings(d: ConductorDeps, instance: Instance, to: string): Promise<void> {
  const ids = await portsOf(d, instance)
  if (ids.length === 0) return
  await d.network.dropTargetBindings(ids, to)
  await d.network.addTargetBindings(ids, to)
  await activateBindings(d, instance, to)
}

/** Traffic goes to that host from now on, and nothing is bound to the other any more. */
export async function switchBindings(d: ConductorDeps, instance: Instance, from: string, to: string): Promise<void> {
  const ids = await activateBindings(d, instance, to)
  if (from !== to && ids.length > 0) await d.network.dropTargetBindings(ids, from)
}

/** All of it at once, for a guest that is off. */
export async function moveBindings(
  d: ConductorDeps,
  instance: Instance,
  from: string,
  to: string,
  holder?: string,
): Promise<readonly Vif[]> {
  const vifs = await prepareBindings(d, instance, to, holder)
  await switchBindings(d, instance, from, to)
  return vifs
}
