import { newUuid } from '#base'
import type { RequestedNetwork } from '#bus'
import { type NetworkPort, type PortView, requestedPort } from '#cloud'
import {
  type PciNumaPolicy,
  type PciProperties,
  type PciRequest,
  pciNumaPolicies,
  type RequestSpec,
  sriovVnicTypes,
} from '#model'

const kinds: Readonly<Record<string, string>> = { 'direct-physical': 'type-PF', vdpa: 'vdpa' }

/** What the card behind the port must be; the network's name is that of the operator's `device_spec`. */
function propertiesOf({ vnicType, profile }: PortView, physicalNetwork: string | null): PciProperties {
  const kind = kinds[vnicType]
  const isTrusted = profile['trusted']
  return {
    ...(physicalNetwork === null ? {} : { physical_network: physicalNetwork }),
    ...(kind === undefined ? {} : { dev_type: kind }),
    ...(isTrusted === undefined ? {} : { trusted: String(isTrusted) }),
    remote_managed: String(vnicType === 'remote-managed'),
  }
}

/** What ports that are there want of their server's host. */
export interface PortWishes {
  /** Functions of cards instead of taps. */
  readonly cards: readonly PciRequest[]
  readonly ports: NonNullable<RequestSpec['ports']>
}

interface Asked {
  readonly network: Pick<NetworkPort, 'ports' | 'networks'>
}

async function cardsOf(deps: Asked, all: readonly PortView[], policy: PciNumaPolicy): Promise<readonly PciRequest[]> {
  const ports = all.filter(port => sriovVnicTypes.includes(port.vnicType))
  if (ports.length === 0) return []
  // Only the operator is told which physical network it is.
  const found = await deps.network.networks('service', { ids: [...new Set(ports.map(port => port.networkId))] })
  const physical = new Map(found.map(network => [network.id, network.physicalNetwork ?? null]))
  return ports.map(port => ({
    id: newUuid(),
    count: 1,
    specs: [propertiesOf(port, physical.get(port.networkId) ?? null)],
    aliasName: null,
    // The port's own word goes before the flavor's.
    numaPolicy: pciNumaPolicies.find(one => one === port.numaPolicy) ?? policy,
    resourceClass: null,
    traits: [],
    canMove: null,
    portId: port.id,
  }))
}

/** Of the user's ports among these networks. What they want only the operator is told: they are read as the service. */
export async function portWishes(
  deps: Asked,
  networks: readonly RequestedNetwork[],
  policy: PciNumaPolicy = 'legacy',
): Promise<PortWishes> {
  const ids = networks.flatMap(network => network.portId ?? [])
  if (ids.length === 0) return { cards: [], ports: [] }
  const found = await deps.network.ports('service', { ids })
  const byId = new Map(found.map(port => [port.id, port]))
  const ports = ids.flatMap(id => byId.get(id) ?? [])
  return { cards: await cardsOf(deps, ports, policy), ports: ports.map(requestedPort) }
}
