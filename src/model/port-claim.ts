import type { HostDemand, ProviderChoice } from './host-claim.ts'
import type { PciDevice } from './pci/device.ts'
import { pciProviderId } from './pci/provider.ts'
import type { PciRequest } from './pci/request.ts'
import type { PortResources } from './request-spec.ts'

/** Providers by the suffix of their request group, as placement answers. */
export type Mappings = Readonly<Record<string, readonly string[]>>

/** What a port holds of one provider, and has to be told to Neutron with its binding. */
export interface PortHolding extends Pick<PortResources, 'id' | 'resources'> {
  readonly portId: string
  readonly providerId: string
}

/** What the ports of a request get by these mappings; a text: placement was not asked for it. */
export function portHoldings({ ports = [] }: HostDemand, mappings: Mappings): readonly PortHolding[] | string {
  const holdings: PortHolding[] = []
  for (const port of ports) {
    for (const { id, resources } of port.groups) {
      const providerId = mappings[id]?.[0]
      if (providerId === undefined) return `placement has chosen no provider for port ${port.id}`
      holdings.push({ portId: port.id, id, resources, providerId })
    }
  }
  return holdings
}

const isBandwidth = ({ resources }: PortResources): boolean =>
  Object.keys(resources).some(name => name.startsWith('NET_BW_'))

/** The provider whose bandwidth the port of a card gets. */
function bandwidthOf({ ports = [] }: HostDemand, { portId }: PciRequest, mappings: Mappings): string | undefined {
  const group = ports.find(port => port.id === portId)?.groups.find(isBandwidth)
  return group === undefined ? undefined : mappings[group.id]?.[0]
}

/** Providers whose names say which card it is. */
export const cardProviders = (demand: HostDemand, mappings: Mappings): readonly string[] => [
  ...new Set(demand.pci.flatMap(request => bandwidthOf(demand, request, mappings) ?? [])),
]

/** `HOST:AGENT:CARD`, as Neutron's agents name what they report; undefined: somebody else named it. */
export function cardNamed(providerName: string): string | undefined {
  const parts = providerName.split(':')
  return parts.length === 3 ? parts[2] : undefined
}

/**
 * Which devices a claim has to take, because placement has given away what they stand for: their own providers, or the
 * bandwidth of their cards. `names` has the names of `cardProviders`. A text: there is no such card.
 */
export function deviceChoice(
  demand: HostDemand,
  nodeId: string,
  mappings: Mappings,
  names: ReadonlyMap<string, string>,
): ProviderChoice | string {
  const providers: Record<string, readonly string[]> = {}
  const cards: Record<string, string> = {}
  for (const request of demand.pci) {
    const own = Object.entries(mappings).flatMap(([suffix, ids]) => (suffix.startsWith(`${request.id}-`) ? ids : []))
    if (own.length > 0) providers[request.id] = own
    const bandwidth = bandwidthOf(demand, request, mappings)
    if (bandwidth === undefined) continue
    const name = names.get(bandwidth) ?? ''
    const card = cardNamed(name)
    if (card === undefined)
      return `provider ${bandwidth} of port ${request.portId} is not named HOST:AGENT:CARD but ${name}`
    cards[request.id] = card
  }
  return {
    providerOf: (device: PciDevice) => pciProviderId(nodeId, device),
    ...(Object.keys(providers).length === 0 ? {} : { providers }),
    ...(Object.keys(cards).length === 0 ? {} : { cards }),
  }
}
