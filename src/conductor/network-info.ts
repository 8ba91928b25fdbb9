import type { PortView } from '#cloud'
import type { Instance, Vif } from '#model'
import type { ConductorDeps } from './deps.ts'
import { hostClient } from './hosts.ts'
import { describe, groupNames } from './interfaces.ts'

/** A port that is gone takes its interface along, from the record first and then from the guest. */
async function letGo(deps: ConductorDeps, { id, host, vmState }: Instance, lost: readonly Vif[]): Promise<void> {
  if (host === null || vmState === 'stopped') return
  for (const { mac, portId } of lost) {
    await hostClient(deps, host)
      .detachVif({ id, mac }, { key: `port-gone:${portId}` })
      .catch(error => deps.log.warn({ instance_id: id, port_id: portId, err: error }, 'a guest keeps a lost interface'))
  }
}

async function followGroups(deps: ConductorDeps, instance: Instance, ports: readonly PortView[]): Promise<void> {
  const ids = ports.flatMap(port => port.securityGroupIds)
  const securityGroups = await groupNames(deps, instance.projectId, ids)
  if (JSON.stringify(securityGroups) === JSON.stringify(instance.securityGroups)) return
  await deps.store.instances.change(instance.id, { securityGroups }, deps.clock.now())
}

/**
 * Brings the record's interfaces to what their ports are now: addresses, floating addresses, networks' names, state. It adds
 * none, for that is the business of whoever attaches; it removes those whose ports are no more. Safe at any time: only
 * interfaces that the record had before the ports were read are judged, and each is rewritten where it stands.
 */
export async function refreshNetwork(deps: ConductorDeps, instanceId: string): Promise<void> {
  const { store, network } = deps
  const instance = await store.instances.find(instanceId)
  if (instance === undefined || instance.networkInfo.length === 0) return
  const known = new Map(instance.networkInfo.map(vif => [vif.portId, vif]))
  const ports = await network.ports('service', { ids: [...known.keys()] })
  const now = await describe(
    deps,
    ports.map(port => {
      const { isPreserved = false, tag = null } = known.get(port.id) ?? {}
      return { port, isPreserved, tag }
    }),
  )
  const fresh = new Map(now.map(vif => [vif.portId, vif]))
  const lost = instance.networkInfo.filter(vif => !fresh.has(vif.portId))
  await store.instances.rewriteNetwork(instance.id, vifs =>
    vifs.flatMap(vif => (lost.some(gone => gone.portId === vif.portId) ? [] : [fresh.get(vif.portId) ?? vif])),
  )
  await followGroups(deps, instance, ports)
  await letGo(deps, instance, lost)
}

/** Neutron says that a port is gone: so is the interface, whatever Neutron shows by now. */
export async function dropInterface(deps: ConductorDeps, instanceId: string, portId: string): Promise<void> {
  const instance = await deps.store.instances.find(instanceId)
  const lost = instance?.networkInfo.find(vif => vif.portId === portId)
  if (instance === undefined || lost === undefined) return
  await deps.store.instances.rewriteNetwork(instance.id, vifs => vifs.filter(vif => vif.portId !== portId))
  await letGo(deps, instance, [lost])
}
