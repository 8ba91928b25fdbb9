import { newUuid } from '#base'
import type { RequestedNetwork } from '#bus'
import type { Caller, PortView } from '#cloud'
import { type PciNumaPolicy, type PciProperties, type PciRequest, sriovVnicTypes } from '#model'
import type { ApiDeps } from '../deps.ts'

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

/** PCI devices for the user's ports that want a card's function instead of a tap. */
export async function portDevices(
  deps: ApiDeps,
  caller: Caller,
  networks: readonly RequestedNetwork[],
  policy: PciNumaPolicy = 'legacy',
): Promise<readonly PciRequest[]> {
  const ids = networks.flatMap(network => network.portId ?? [])
  if (ids.length === 0) return []
  const ports = (await deps.network.ports(caller, { ids })).filter(port => sriovVnicTypes.includes(port.vnicType))
  if (ports.length === 0) return []
  // Only the operator is told which physical network it is.
  const found = await deps.network.networks('service', { ids: [...new Set(ports.map(port => port.networkId))] })
  const physical = new Map(found.map(network => [network.id, network.physicalNetwork ?? null]))
  return ports.map(port => ({
    id: newUuid(),
    count: 1,
    specs: [propertiesOf(port, physical.get(port.networkId) ?? null)],
    aliasName: null,
    numaPolicy: policy,
    resourceClass: null,
    traits: [],
    canMove: null,
    portId: port.id,
  }))
}
