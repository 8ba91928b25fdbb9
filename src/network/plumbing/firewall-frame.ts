import { type NamedSet, typeText } from './firewall-model.ts'

/**
 * The fixed part of the two tables: hooks and the order of decisions.
 *
 * Bridged packets pass the inet hooks too (br_netfilter), with the bridge as both interfaces, and there conntrack works.
 * So every packet of a guest is judged there by its address: leaving at prerouting, arriving at forward (from other guests,
 * from routers and DHCP in their namespaces) and output (from this host, on networks that it takes part in).
 * Networks may use the same addresses: an address counts together with the bridge, and each closed bridge has a zone of
 * its own in connection tracking, set before fragments are put together.
 * That an address really belongs to its tap is what the bridge table makes sure of, in both directions; it has no
 * conntrack and needs none. Packets to many (broadcast, multicast) have no one address: they are judged in the bridge
 * table, by the same group rules, without state.
 */
export const inetSets = {
  bridges: 'ifname',
  /** Bridges that this host only carries frames on: it neither hears what is said there nor passes it on. */
  closed: 'ifname',
  zones: 'typeof iifname : ct zone',
  /** Each bridge with itself. */
  same: 'ifname . ifname',
  /** Addresses that the world meets as this host's. */
  nat4: 'ipv4_addr',
  external: 'ifname',
  /** Subnets behind routers. */
  behind4: 'ipv4_addr',
  behind6: 'ipv6_addr',
  out4: 'ifname . ipv4_addr : verdict',
  out6: 'ifname . ipv6_addr : verdict',
  in4: 'ifname . ipv4_addr : verdict',
  in6: 'ifname . ipv6_addr : verdict',
} as const

export const bridgeSets = { from_tap: 'ifname : verdict', to_tap: 'ifname : verdict' } as const

export const setFlags: Readonly<Record<string, string>> = {
  nat4: 'interval',
  behind4: 'interval',
  behind6: 'interval',
}

export const emptySet = (name: keyof typeof inetSets | keyof typeof bridgeSets): NamedSet => ({
  type: { ...inetSets, ...bridgeSets }[name],
  ...(setFlags[name] === undefined ? {} : { flags: setFlags[name] }),
  elements: new Map(),
})

const declarations = (table: string, names: Readonly<Record<string, string>>): string[] =>
  Object.entries(names).map(([name, type]) => {
    const flags = setFlags[name] === undefined ? '' : ` flags ${setFlags[name]};`
    return `add ${type.includes(':') ? 'map' : 'set'} ${table} ${name} { ${typeText(type)};${flags} }`
  })

const chain = (table: string, name: string, hook: string, rules: readonly string[]): string[] => [
  `add chain ${table} ${name} { ${hook}; policy accept; }`,
  ...rules.map(rule => `add rule ${table} ${name} ${rule}`),
]

const shared = (table: string, name: string, rules: readonly string[]): string[] => [
  `add chain ${table} ${name}`,
  ...rules.map(rule => `add rule ${table} ${name} ${rule}`),
]

const dhcpReplies = ['udp sport 67 udp dport 68 accept', 'udp sport 547 udp dport 546 accept']
const dhcpRequests = ['udp sport 68 udp dport 67 accept', 'udp sport 546 udp dport 547 accept']

/** By number: neighbour discovery, router solicitation (leaving) or advertisement (arriving), listener reports. */
const icmpv6Leaving = 'icmpv6 type { 130, 131, 132, 133, 135, 136, 143 } accept'
const icmpv6Arriving = 'icmpv6 type { 130, 131, 132, 134, 135, 136, 143 } accept'

/** What every port's chains begin with. */
const sharedChains = (inet: string, bridge: string): string[] => [
  ...shared(inet, 'always_leaving', [...dhcpRequests, icmpv6Leaving]),
  ...shared(inet, 'always_arriving', [...dhcpReplies, icmpv6Arriving]),
  ...shared(bridge, 'always_many', [...dhcpReplies, icmpv6Arriving, 'ip protocol igmp accept']),
  ...shared(bridge, 'never_leaving', [
    'udp sport 67 udp dport 68 drop',
    'udp sport 547 udp dport 546 drop',
    'icmpv6 type { 134, 137 } drop',
  ]),
  ...shared(bridge, 'nameless_leaving', [
    'ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept',
    'ip6 saddr :: icmpv6 type { 131, 132, 135, 143 } accept',
  ]),
]

const known = ['ct state established,related accept', 'ct state invalid drop']
const arriving = ['oifname . ip daddr vmap @in4', 'oifname . ip6 daddr vmap @in6']

/** Throws the old tables away and makes empty ones; within the transaction that also fills them, so there is no gap. */
export function frame(inet: string, bridge: string): string[] {
  return [
    ...[inet, bridge].flatMap(table => [`add table ${table}`, `delete table ${table}`, `add table ${table}`]),
    ...declarations(inet, inetSets),
    ...declarations(bridge, bridgeSets),
    ...sharedChains(inet, bridge),
    ...chain(inet, 'sorting', 'type filter hook prerouting priority -450', ['ct zone set iifname map @zones']),
    ...chain(inet, 'leaving', 'type filter hook prerouting priority mangle', [
      'iifname != @bridges accept',
      ...known,
      'iifname . ip saddr vmap @out4',
      'iifname . ip6 saddr vmap @out6',
    ]),
    ...chain(inet, 'to_host', 'type filter hook input priority filter', ['iifname @closed drop']),
    ...chain(inet, 'arriving', 'type filter hook forward priority filter', [
      'iifname != @bridges oifname != @bridges accept',
      'iifname @closed iifname . oifname != @same drop',
      'oifname @closed iifname . oifname != @same drop',
      ...known,
      // Two networks meet only where a router joins them, or at a floating address: the host's own routes are not theirs.
      'iifname @external oifname @external ip daddr @behind4 drop',
      'iifname @external oifname @external ip6 daddr @behind6 drop',
      ...arriving,
    ]),
    ...chain(inet, 'from_host', 'type filter hook output priority filter', [
      'oifname != @bridges accept',
      ...known,
      ...arriving,
    ]),
    ...chain(inet, 'outside_nat', 'type nat hook postrouting priority srcnat', [
      'iifname @external oifname != @bridges ip saddr @nat4 masquerade',
    ]),
    ...chain(bridge, 'from_guest', 'type filter hook prerouting priority dstnat', ['iifname vmap @from_tap']),
    ...chain(bridge, 'to_guest', 'type filter hook postrouting priority filter', ['oifname vmap @to_tap']),
  ]
}
