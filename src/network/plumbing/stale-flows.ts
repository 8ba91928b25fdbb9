import { formatCidr } from '../addresses.ts'
import type { Desired, DesiredPort } from './desired-model.ts'
import type { Ruleset } from './firewall-model.ts'
import { groupChain } from './firewall-rules.ts'

/**
 * Connections that a change of rules no longer allows. The firewall lets established connections pass, so what was
 * allowed once would go on for ever; as in Neutron, the flows of a removed rule's protocol are forgotten by the kernel
 * and must pass the rules again (those still allowed do, with their next packet). Pure.
 */
export interface StaleFlow {
  readonly address: string
  readonly version: 4 | 6
  readonly zone: number | undefined
  readonly direction: 'ingress' | 'egress'
  /** Undefined: all of them. */
  readonly protocol: number | undefined
  /** Only flows with the other side in this prefix. */
  readonly peers?: string
}

export interface FirewallState {
  readonly desired: Desired
  readonly inet: Ruleset
}

const directions = ['ingress', 'egress'] as const

/** What a port's rules of one direction admit, as texts. */
function admitted(state: FirewallState, port: DesiredPort, direction: 'ingress' | 'egress'): Set<string> {
  return new Set(port.groupIds.flatMap(id => state.inet.chains.get(groupChain(direction, id)) ?? []))
}

/** `meta l4proto 6 …`, `icmp type …`; undefined for a rule of any protocol. */
function protocolOf(text: string): number | undefined {
  const number = /meta l4proto (\d+)/.exec(text)?.[1]
  if (number !== undefined) return Number(number)
  return text.includes('icmpv6 ') ? 58 : text.includes('icmp ') ? 1 : undefined
}

function flowsOf(
  port: DesiredPort,
  direction: 'ingress' | 'egress',
  protocols: ReadonlySet<number | undefined>,
): StaleFlow[] {
  const each = protocols.has(undefined) ? [undefined] : [...protocols]
  return port.addresses.flatMap(({ address, version }) =>
    each.map(protocol => ({ address, version, zone: port.zone, direction, protocol })),
  )
}

const flowsWithin = (state: FirewallState, port: DesiredPort): StaleFlow[] =>
  state.desired.networks
    .flatMap(network => network.subnets)
    .flatMap(({ cidr }) =>
      directions
        .flatMap(direction => flowsOf(port, direction, new Set([undefined])))
        .filter(flow => flow.version === cidr.version)
        .map(flow => ({ ...flow, peers: formatCidr(cidr) })),
    )

const isFiltered = (port: DesiredPort): boolean => port.isSecured && port.isUp

export function staleFlows(before: FirewallState, after: FirewallState): readonly StaleFlow[] {
  const now = new Map(after.desired.ports.map(port => [port.id, port]))
  const all = new Set([undefined])
  return before.desired.ports.flatMap(old => {
    const port = now.get(old.id)
    const kept = new Set(port?.addresses.map(item => item.address))
    // The next owner of an address must not inherit open connections.
    const lost = { ...old, addresses: old.addresses.filter(item => !kept.has(item.address)) }
    const flows = directions.flatMap(direction => flowsOf(lost, direction, all))
    if (port === undefined) return flows
    // Others may have admitted it as a member of a group: its flows with them end, those with the world go on.
    if (old.groupIds.some(id => !port.groupIds.includes(id))) flows.push(...flowsWithin(after, port))
    if (!isFiltered(port)) return flows
    for (const direction of directions) {
      const still = admitted(after, port, direction)
      // A port that was not filtered may have had any connection.
      const removed = isFiltered(old) ? [...admitted(before, old, direction)].filter(text => !still.has(text)) : ['']
      if (removed.length > 0) flows.push(...flowsOf(port, direction, new Set(removed.map(protocolOf))))
    }
    return flows
  })
}
