/** IP protocols by the names Neutron accepts. */
export const protocolNumbers: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  hopopt: 0,
  icmp: 1,
  icmpv6: 58,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  igmp: 2,
  ip: 0,
  ipip: 4,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
}

/** The number of a protocol as a rule names it; undefined for "any" (null, `any`, `ip` and 0 all mean that). */
export function protocolNumber(protocol: string | null): number | undefined {
  if (protocol === null || protocol === 'any') return undefined
  const number = /^\d+$/.test(protocol) ? Number(protocol) : protocolNumbers[protocol]
  return number === 0 && protocol !== 'hopopt' ? undefined : number
}

/** Protocols that have ports. */
export const portProtocols: ReadonlySet<number> = new Set([6, 17, 33, 132, 136])
export const icmpProtocols: ReadonlySet<number> = new Set([1, 58])
