import { type Cidr, contains, formatAddress, formatCidr, linkLocal, overlaps, parseCidr } from '../addresses.ts'
import { icmpProtocols, protocolNumber } from '../core/protocols.ts'
import type { SecurityGroupRuleRow } from '../store/tables.ts'
import type { Desired, DesiredGroup, DesiredPort } from './desired-model.ts'
import { bridgeSets, emptySet, inetSets } from './firewall-frame.ts'
import type { Family, NamedSet, Ruleset } from './firewall-model.ts'

/** Desired state to rulesets. Pure. All text comes from ids, numbers and parsed addresses, never from users' words. */

const quote = (name: string): string => `"${name}"`

const ipKeyword = (rule: SecurityGroupRuleRow): 'ip' | 'ip6' => (rule.ethertype === 'IPv4' ? 'ip' : 'ip6')
export const groupChain = (direction: 'ingress' | 'egress', id: string): string => `g_${direction}_${id}`
export const memberSet = (version: 4 | 6, id: string): string => `members${version}_${id}`

function remoteMatch(rule: SecurityGroupRuleRow): string {
  const side = rule.direction === 'ingress' ? 'saddr' : 'daddr'
  const ip = ipKeyword(rule)
  if (rule.remoteGroupId !== null) return `${ip} ${side} @${memberSet(ip === 'ip' ? 4 : 6, rule.remoteGroupId)} `
  // nft cannot say "any address" as a prefix of length 0.
  const cidr = rule.remoteIpPrefix === null ? undefined : parseCidr(rule.remoteIpPrefix)
  if (cidr === undefined || cidr.prefix === 0) return ''
  return `${ip} ${side} ${formatCidr(cidr)} `
}

function protocolMatch(rule: SecurityGroupRuleRow): string {
  const number = protocolNumber(rule.protocol)
  if (number === undefined) return ''
  const { portMin, portMax } = rule
  if (icmpProtocols.has(number)) {
    const word = number === 1 ? 'icmp' : 'icmpv6'
    if (portMin === null) return `meta l4proto ${number} `
    return `${word} type ${portMin} ${portMax === null ? '' : `${word} code ${portMax} `}`
  }
  if (portMin === null || portMax === null) return `meta l4proto ${number} `
  return `meta l4proto ${number} th dport ${portMin === portMax ? portMin : `${portMin}-${portMax}`} `
}

/** One group rule; every text ends in accept, what matches nothing falls through to the port's drop. */
export function groupRule(family: Family, rule: SecurityGroupRuleRow): string {
  const ip = ipKeyword(rule)
  const version = family === 'inet' ? `meta nfproto ${ip === 'ip' ? 'ipv4' : 'ipv6'} ` : `ether type ${ip} `
  return `${version}${remoteMatch(rule)}${protocolMatch(rule)}accept`
}

const rulesFor = (family: Family, group: DesiredGroup, direction: 'ingress' | 'egress'): string[] =>
  group.rules.filter(rule => rule.direction === direction).map(rule => groupRule(family, rule))

const jumps = (port: DesiredPort, desired: Desired, direction: 'ingress' | 'egress'): string[] =>
  port.groupIds
    .filter(id => desired.groups.get(id)?.rules.some(rule => rule.direction === direction) === true)
    .map(id => `jump ${groupChain(direction, id)}`)

const leavingChain = (port: DesiredPort, desired: Desired): string[] => [
  'jump always_leaving',
  ...jumps(port, desired, 'egress'),
  'drop',
]

const arrivingChain = (port: DesiredPort, desired: Desired): string[] => [
  'jump always_arriving',
  ...jumps(port, desired, 'ingress'),
  'drop',
]

const ofVersion = (port: DesiredPort, version: 4 | 6): string[] => [
  ...port.addresses.filter(address => address.version === version).map(({ address }) => address),
  ...(version === 6 ? [linkLocal(port.mac)] : []),
]

/**
 * What a guest may put on the wire: its own addresses, and never the word of a DHCP server or router. One rule per
 * address: an inline set in each port's chain would be a set of its own, and the kernel walks a list of all sets for
 * each new one.
 */
function spoofChain(port: DesiredPort): string[] {
  const arp = `ether type arp arp saddr ether ${port.mac} arp saddr ip`
  const v4 = ofVersion(port, 4)
  return [
    `ether saddr != ${port.mac} drop`,
    'jump never_leaving',
    ...v4.map(address => `ip saddr ${address} accept`),
    ...['0.0.0.0', ...v4].map(address => `${arp} ${address} accept`),
    // RARP: a guest that has just arrived from another host tells the switches where it is now.
    'ether type 0x8035 accept',
    ...ofVersion(port, 6).map(address => `ip6 saddr ${address} accept`),
    'jump nameless_leaving',
    'drop',
  ]
}

const broadcastOf = (port: DesiredPort, desired: Desired): string[] => {
  const subnets = desired.networks.find(network => network.id === port.networkId)?.subnets ?? []
  return subnets.filter(({ cidr }) => cidr.version === 4).map(({ cidr }) => formatAddress(4, cidr.last))
}

/** What may reach the tap: packets for its own addresses, and packets to many. */
function deliverChain(port: DesiredPort, desired: Desired): string[] {
  const many = ['255.255.255.255', '224.0.0.0/4', ...broadcastOf(port, desired)]
  return [
    'ether type arp accept',
    ...ofVersion(port, 4).map(address => `ip daddr ${address} accept`),
    ...ofVersion(port, 6).map(address => `ip6 daddr ${address} accept`),
    ...many.map(address => `ip daddr ${address} goto many_${port.id}`),
    `ip6 daddr ff00::/8 goto many_${port.id}`,
    'drop',
  ]
}

const manyChain = (port: DesiredPort, desired: Desired): string[] => [
  'jump always_many',
  ...jumps(port, desired, 'ingress'),
  'drop',
]

const memberSets = (group: DesiredGroup): [string, NamedSet][] =>
  ([4, 6] as const).map(version => [
    memberSet(version, group.id),
    {
      type: version === 4 ? 'ipv4_addr' : 'ipv6_addr',
      elements: new Map(group.members.filter(member => member.version === version).map(member => [member.address, ''])),
    },
  ])

type Elements = Map<string, string>

/** The sets of the frame, empty; filled below. */
const frameSets = (names: Readonly<Record<string, string>>): Map<string, Elements> =>
  new Map(Object.keys(names).map(name => [name, new Map<string, string>()]))

function addNetworks(sets: Map<string, Elements>, { networks }: Desired): void {
  for (const { bridge, isClosed, zone } of networks) {
    sets.get('bridges')?.set(quote(bridge), '')
    sets.get('same')?.set(`${quote(bridge)} . ${quote(bridge)}`, '')
    sets.get(isClosed ? 'closed' : 'external')?.set(quote(bridge), '')
    if (zone !== undefined) sets.get('zones')?.set(quote(bridge), String(zone))
  }
}

/** Elements of an interval set may not overlap: of two, one is within the other. */
const widest = (cidrs: readonly Cidr[]): string[] => {
  const within = (a: Cidr, b: Cidr) => contains(b, { version: a.version, value: a.first }) && b.prefix < a.prefix
  return cidrs.filter(cidr => !cidrs.some(other => within(cidr, other))).map(formatCidr)
}

function addSubnets(sets: Map<string, Elements>, { networks, routers, hostRoutes }: Desired): void {
  const add = (name: string, cidrs: readonly Cidr[], version: 4 | 6) => {
    for (const text of widest(cidrs.filter(cidr => cidr.version === version))) sets.get(name)?.set(text, '')
  }
  const external = networks.filter(({ isClosed }) => !isClosed).flatMap(({ subnets }) => subnets)
  // A project may use the addresses of an external network that is not its own: others' way there stays open.
  const behind = routers
    .flatMap(router => router.behind)
    .filter(cidr => !external.some(subnet => overlaps(subnet.cidr, cidr)))
  add('behind4', behind, 4)
  add('behind6', behind, 6)
  const outside = networks.filter(({ hostAddresses }) => hostAddresses.length > 0).flatMap(({ subnets }) => subnets)
  // And those from which a router translates nothing.
  add(
    'nat4',
    [...outside, ...hostRoutes].map(({ cidr }) => cidr),
    4,
  )
}

function usedGroups(
  desired: Desired,
  secured: readonly DesiredPort[],
): { chains: DesiredGroup[]; members: DesiredGroup[] } {
  const find = (id: string) => desired.groups.get(id)
  const chains = [...new Set(secured.flatMap(port => port.groupIds))].flatMap(id => find(id) ?? [])
  const remote = new Set(chains.flatMap(group => group.rules.flatMap(rule => rule.remoteGroupId ?? [])))
  return { chains, members: [...remote].flatMap(id => find(id) ?? []) }
}

const named = (names: Readonly<Record<string, string>>, sets: Map<string, Elements>): [string, NamedSet][] =>
  [...sets].map(([name, elements]) => [
    name,
    { ...emptySet(name as keyof typeof inetSets | keyof typeof bridgeSets), elements },
  ])

export function buildRulesets(desired: Desired): { inet: Ruleset; bridge: Ruleset } {
  const secured = desired.ports.filter(port => port.isSecured && port.isUp)
  const groups = usedGroups(desired, secured)
  const inet = frameSets(inetSets)
  const bridge = frameSets(bridgeSets)
  const inetChains = new Map<string, string[]>()
  const bridgeChains = new Map<string, string[]>()
  addNetworks(inet, desired)
  addSubnets(inet, desired)
  for (const group of groups.chains) {
    for (const direction of ['ingress', 'egress'] as const)
      inetChains.set(groupChain(direction, group.id), rulesFor('inet', group, direction))
    bridgeChains.set(groupChain('ingress', group.id), rulesFor('bridge', group, 'ingress'))
  }
  for (const port of desired.ports.filter(port => !port.isUp)) {
    bridge.get('from_tap')?.set(quote(port.tap), 'drop')
    bridge.get('to_tap')?.set(quote(port.tap), 'drop')
  }
  for (const port of secured) {
    inetChains.set(`out_${port.id}`, leavingChain(port, desired))
    inetChains.set(`in_${port.id}`, arrivingChain(port, desired))
    bridgeChains.set(`spoof_${port.id}`, spoofChain(port))
    bridgeChains.set(`many_${port.id}`, manyChain(port, desired))
    bridgeChains.set(`deliver_${port.id}`, deliverChain(port, desired))
    bridge.get('from_tap')?.set(quote(port.tap), `goto spoof_${port.id}`)
    bridge.get('to_tap')?.set(quote(port.tap), `goto deliver_${port.id}`)
    for (const version of [4, 6] as const) {
      for (const address of ofVersion(port, version)) {
        inet.get(`out${version}`)?.set(`${quote(port.bridge)} . ${address}`, `goto out_${port.id}`)
        inet.get(`in${version}`)?.set(`${quote(port.bridge)} . ${address}`, `goto in_${port.id}`)
      }
    }
  }
  const members = groups.members.flatMap(memberSets)
  return {
    inet: { chains: inetChains, sets: new Map([...named(inetSets, inet), ...members]) },
    bridge: { chains: bridgeChains, sets: new Map([...named(bridgeSets, bridge), ...members]) },
  }
}

/** What an empty frame holds. */
export const frameRulesets = (): { inet: Ruleset; bridge: Ruleset } => ({
  inet: { chains: new Map(), sets: new Map(named(inetSets, frameSets(inetSets))) },
  bridge: { chains: new Map(), sets: new Map(named(bridgeSets, frameSets(bridgeSets))) },
})
