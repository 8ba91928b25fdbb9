import { SocketAddress } from 'node:net'

/** The one spelling of an IPv6 address, as Nova stores and shows it: lower case, longest run of zeroes left out. */
export const canonicalIpV6 = (address: string): string => new SocketAddress({ address, family: 'ipv6' }).address
