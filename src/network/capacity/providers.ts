import { namedUuid } from '#base'
import type { Inventory, NetworkCapacity, NetworkNode, PlacementPort } from '#cloud'
import { physnetTrait, vnicTrait } from '../core/qos.ts'
import type { Capacity, InventoryDefaults } from './options.ts'

/** What Neutron's agents would tell placement of one host. */
export interface AgentCapacity extends Capacity {
  /** As Neutron names it; in the names of its providers. */
  readonly agent: 'Linux bridge agent' | 'NIC Switch agent'
  readonly vnicTypes: readonly string[]
}

export const bridgeAgent = { agent: 'Linux bridge agent', vnicTypes: ['normal'] } as const
export const cardAgent = { agent: 'NIC Switch agent', vnicTypes: ['direct', 'macvtap', 'direct-physical'] } as const

interface ProviderSpec {
  readonly id: string
  readonly name: string
  readonly parentId: string
  readonly inventories: Readonly<Record<string, Inventory>>
  readonly traits: readonly string[]
}

const inventory = (total: number, defaults: InventoryDefaults): Inventory => ({
  total,
  reserved: defaults.reserved,
  minUnit: defaults.minUnit,
  maxUnit: defaults.maxUnit ?? total,
  stepSize: defaults.stepSize,
  allocationRatio: defaults.allocationRatio,
})

const inventories = (amounts: Readonly<Record<string, number | null>>, defaults: InventoryDefaults) =>
  Object.fromEntries(
    Object.entries(amounts).flatMap(([name, total]) => (total === null ? [] : [[name, inventory(total, defaults)]])),
  )

/** The agent below the host, with the packets it moves; each card below the agent, with its bandwidth. */
export function providersOf(
  node: NetworkNode,
  { agent, vnicTypes, cards, packets, defaults }: AgentCapacity,
): ProviderSpec[] {
  const name = `${node.host}:${agent}`
  const id = namedUuid(`network ${node.id} ${name}`)
  const vnics = vnicTypes.map(vnicTrait)
  const own = packets.filter(({ host }) => host === null || host === node.hypervisorHostname || host === node.host)
  const rate = (of: 'any' | 'egress' | 'ingress') => own.findLast(one => one[of] !== null)?.[of] ?? null
  const rates = {
    NET_PACKET_RATE_KILOPACKET_PER_SEC: rate('any'),
    NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC: rate('egress'),
    NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC: rate('ingress'),
  }
  return [
    { id, name, parentId: node.id, inventories: inventories(rates, defaults), traits: vnics },
    ...cards.map(card => ({
      id: namedUuid(`network ${node.id} ${name}:${card.name}`),
      name: `${name}:${card.name}`,
      parentId: id,
      inventories: inventories(
        { NET_BW_EGR_KILOBIT_PER_SEC: card.egressKbps, NET_BW_IGR_KILOBIT_PER_SEC: card.ingressKbps },
        defaults,
      ),
      traits: [...vnics, ...(card.physicalNetwork === null ? [] : [physnetTrait(card.physicalNetwork)])],
    })),
  ]
}

/** What the operator says of bandwidth and packets, below each host in placement, as Neutron's agents report it. */
export function networkCapacity(
  placement: PlacementPort,
  agents: readonly AgentCapacity[],
): NetworkCapacity | undefined {
  if (agents.length === 0) return undefined
  return {
    async report(node) {
      for (const spec of agents.flatMap(agent => providersOf(node, agent))) {
        const { id, name, parentId } = spec
        await placement.ensureProvider({ id, name, parentId })
        await placement.setInventories(id, spec.inventories)
        const now = [...(await placement.traits(id))].sort()
        if (now.join() !== spec.traits.toSorted().join()) await placement.setTraits(id, spec.traits)
      }
    },
  }
}
