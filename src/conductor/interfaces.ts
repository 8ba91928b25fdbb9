import type { RequestedNetwork } from '#bus'
import { type NetworkView, PortNotBound, type PortView, type SubnetView } from '#cloud'
import { type Instance, NetworkWithQosPolicy, type Vif, type VifSubnet } from '#model'
import type { ConductorDeps } from './deps.ts'
import { hasPlace, profilesAt, withoutPlace } from './port-profiles.ts'

/** Names of network devices are at most 15 characters; Neutron's agents expect the first 11 of the port's id. */
export const tapName = (portId: string): string => `tap${portId.slice(0, 11)}`

const subnetOf = (port: PortView, subnet: SubnetView): VifSubnet => ({
  id: subnet.id,
  cidr: subnet.cidr,
  version: subnet.ipVersion,
  gateway: subnet.gatewayIp,
  dns: subnet.dnsNameservers,
  routes: subnet.hostRoutes,
  dhcpServer: subnet.dhcpServer,
  ips: port.fixedIps
    .filter(ip => ip.subnetId === subnet.id)
    .map(ip => ({
      address: ip.ipAddress,
      version: subnet.ipVersion,
      floatingIps: port.floatingIps.filter(f => f.fixedAddress === ip.ipAddress).map(f => f.address),
    })),
})

function vifOf(
  port: PortView,
  network: NetworkView | undefined,
  subnets: readonly SubnetView[],
  isPreserved: boolean,
  tag: string | null,
): Vif {
  const ids = new Set(port.fixedIps.map(ip => ip.subnetId))
  return {
    portId: port.id,
    mac: port.macAddress,
    networkId: port.networkId,
    label: network?.name ?? port.networkId,
    networkProjectId: network?.projectId ?? port.projectId,
    mtu: network?.mtu ?? 1500,
    subnets: subnets.filter(s => ids.has(s.id)).map(s => subnetOf(port, s)),
    vifType: port.vifType,
    vnicType: port.vnicType,
    details: port.vifDetails,
    devName: tapName(port.id),
    isActive: port.status === 'ACTIVE',
    isPreserved,
    tag,
  }
}

/** The interfaces of ports, in their order, with two calls for any number of them. */
export async function describe(
  deps: ConductorDeps,
  ports: readonly { port: PortView; isPreserved: boolean; tag: string | null }[],
): Promise<Vif[]> {
  const networks = await deps.network.networks('service', { ids: [...new Set(ports.map(p => p.port.networkId))] })
  const subnets = await deps.network.subnets('service', [
    ...new Set(ports.flatMap(p => p.port.fixedIps.map(ip => ip.subnetId))),
  ])
  const byId = new Map(networks.map(n => [n.id, n]))
  return ports.map(p => vifOf(p.port, byId.get(p.port.networkId), subnets, p.isPreserved, p.tag))
}

const owner = (zone: string): string => `compute:${zone}`

/** What a server got: its interfaces, and the ids of the groups on their ports. */
export interface Connected {
  readonly vifs: readonly Vif[]
  readonly groupIds: readonly string[]
}

/**
 * Makes or binds one port per requested network, on this host, and plugs them. Converges: ports of an earlier, interrupted
 * run are found by their device id and used.
 */
export async function connect(
  deps: ConductorDeps,
  instance: Instance,
  at: { host: string; zone: string },
  requested: readonly RequestedNetwork[],
  securityGroupIds: readonly string[],
): Promise<Connected> {
  if (requested.length === 0) return { vifs: [], groupIds: [] }
  const wanted = new Set(requested.map(r => r.portId))
  const mine = await deps.network.ports('service', { deviceId: instance.id })
  const known = new Set(instance.networkInfo.map(v => v.portId))
  const spare = mine.filter(p => !wanted.has(p.id) && !known.has(p.id))
  const ports: { port: PortView; isPreserved: boolean; tag: string | null }[] = []
  const profiles = await profilesAt(deps, instance, at.host)
  for (const request of requested) {
    const found = spare.findIndex(p => p.networkId === request.networkId)
    const left = request.portId === null && found >= 0 ? spare.splice(found, 1)[0] : undefined
    const port = await bind(deps, instance, { ...at, profiles }, request, left, securityGroupIds)
    ports.push({ port, isPreserved: request.portId !== null, tag: request.tag })
  }
  await plugAll(deps, ports)
  return { vifs: await describe(deps, ports), groupIds: ports.flatMap(p => p.port.securityGroupIds) }
}

/** Where agents wire the guests, a port that none of them takes at this host is known by its binding. */
async function plugAll({ plugger }: ConductorDeps, ports: readonly { port: PortView }[]): Promise<void> {
  for (const { port } of ports) {
    if (plugger === undefined && port.vifType === 'binding_failed') throw PortNotBound({ id: port.id })
    await plugger?.plug(port.id)
  }
}

async function bind(
  deps: ConductorDeps,
  instance: Instance,
  at: { host: string; zone: string; profiles: ReadonlyMap<string, PortView['profile']> },
  request: RequestedNetwork,
  left: PortView | undefined,
  securityGroupIds: readonly string[],
): Promise<PortView> {
  const existing = request.portId ?? left?.id
  const binding = {
    deviceId: instance.id,
    deviceOwner: owner(at.zone),
    bindingHost: at.host,
    hostname: instance.hostname,
  }
  if (existing !== undefined && existing !== null) {
    const profile = at.profiles.get(existing)
    return deps.network.updatePort('service', existing, { ...binding, ...(profile === undefined ? {} : { profile }) })
  }
  const made = await deps.network.createPort('service', {
    ...binding,
    networkId: request.networkId,
    projectId: instance.projectId,
    ...(request.fixedIp === null ? {} : { fixedIps: [{ ipAddress: request.fixedIp }] }),
    ...(securityGroupIds.length === 0 ? {} : { securityGroupIds }),
  })
  if (made.resourceGroups.length === 0) return made
  // The host was chosen before anybody knew of it, and has promised nothing.
  await deps.network.deletePort('service', made.id)
  throw NetworkWithQosPolicy({ id: instance.id, networkId: request.networkId })
}

/**
 * Takes the instance off its ports: those in `preserved` are the user's and are unbound, all others deleted.
 * `only` limits it to these ports. Nothing there: nothing to do.
 */
export async function disconnect(
  deps: ConductorDeps,
  instanceId: string,
  preserved: ReadonlySet<string>,
  only?: ReadonlySet<string>,
): Promise<void> {
  for (const port of await deps.network.ports('service', { deviceId: instanceId })) {
    if (only !== undefined && !only.has(port.id)) continue
    await deps.plugger?.unplug(port.id)
    if (preserved.has(port.id)) {
      const profile = hasPlace(port.profile) ? { profile: withoutPlace(port.profile) } : {}
      await deps.network.updatePort('service', port.id, { deviceId: '', deviceOwner: '', bindingHost: '', ...profile })
    } else await deps.network.deletePort('service', port.id)
  }
}

/** The ports stay the instance's, but are on no host: nothing to wire, and free to go elsewhere. */
export async function unbind(deps: ConductorDeps, instanceId: string): Promise<void> {
  for (const port of await deps.network.ports('service', { deviceId: instanceId })) {
    await deps.plugger?.unplug(port.id)
    const profile = hasPlace(port.profile) ? { profile: withoutPlace(port.profile) } : {}
    if (port.bindingHost !== '') await deps.network.updatePort('service', port.id, { bindingHost: '', ...profile })
  }
}

/** Binds the ports that the instance has to this host and plugs them; those that are gone meanwhile are left out. */
export async function rebind(
  deps: ConductorDeps,
  instance: Instance,
  at: { host: string; zone: string },
): Promise<readonly Vif[]> {
  const present = new Set((await deps.network.ports('service', { deviceId: instance.id })).map(port => port.id))
  const ports = []
  const profiles = await profilesAt(deps, instance, at.host)
  for (const { portId, isPreserved, tag } of instance.networkInfo.filter(vif => present.has(vif.portId))) {
    const profile = profiles.get(portId)
    const port = await deps.network.updatePort('service', portId, {
      deviceOwner: owner(at.zone),
      bindingHost: at.host,
      ...(profile === undefined ? {} : { profile }),
    })
    ports.push({ port, isPreserved, tag })
  }
  await plugAll(deps, ports)
  return describe(deps, ports)
}

/** Ports that belong to the user: named in the request, or marked in the record. */
export const preservedPorts = (
  instance: Instance | undefined,
  requested: readonly RequestedNetwork[] = [],
): ReadonlySet<string> =>
  new Set([
    ...requested.flatMap(r => (r.portId === null ? [] : [r.portId])),
    ...(instance?.networkInfo.filter(v => v.isPreserved).map(v => v.portId) ?? []),
  ])

/** Names of these groups of the project, as the server shows them. */
export async function groupNames(
  deps: ConductorDeps,
  projectId: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const groups = await deps.network.securityGroups('service', projectId)
  const used = new Set(ids)
  return [...new Set(groups.filter(g => used.has(g.id)).map(g => g.name))]
}

/** Names of the security groups on the ports that the instance has now. */
export async function securityGroupNames(deps: ConductorDeps, instance: Instance): Promise<readonly string[]> {
  const ports = await deps.network.ports('service', { deviceId: instance.id })
  return groupNames(
    deps,
    instance.projectId,
    ports.flatMap(p => p.securityGroupIds),
  )
}
