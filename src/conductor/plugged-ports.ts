import type { ConductorDeps } from './deps.ts'

/** What Neutron tells when an agent has wired a port, or has lost it: the record says so from then on. */
export async function notePlugged(deps: ConductorDeps, id: string, portId: string, isActive: boolean): Promise<void> {
  const instance = await deps.store.instances.find(id)
  if (instance === undefined) return
  await deps.store.instances.rewriteNetwork(instance.id, vifs =>
    vifs.map(vif => (vif.portId === portId ? { ...vif, isActive } : vif)),
  )
}

/**
 * Those of these ports that no agent has reported wired. What Neutron told stands in the record; `isSure` asks Neutron
 * itself. A port that is gone is waited for by nobody.
 */
export async function portsDown(
  { network, plugger, store }: ConductorDeps,
  instanceId: string,
  portIds: readonly string[],
  isSure: boolean,
): Promise<readonly string[]> {
  // Wired before the guest started.
  if (plugger !== undefined) return []
  if (isSure) {
    const ports = await network.ports('service', { ids: portIds })
    return ports.filter(port => port.status !== 'ACTIVE').map(port => port.id)
  }
  const instance = await store.instances.find(instanceId)
  const active = new Set(instance?.networkInfo.filter(vif => vif.isActive).map(vif => vif.portId))
  return portIds.filter(id => !active.has(id))
}
