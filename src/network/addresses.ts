import ipaddr from 'ipaddr.js'

/** Arithmetic on IPv4 and IPv6 addresses as numbers. Pure. */

export type IpVersion = 4 | 6

export interface Address {
  readonly version: IpVersion
  readonly value: bigint
}

export interface Cidr {
  readonly version: IpVersion
  /** First address, host bits cleared. */
  readonly first: bigint
  readonly last: bigint
  readonly prefix: number
}

const bits = (version: IpVersion): number => (version === 4 ? 32 : 128)

const toValue = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

/** Strict: four decimal octets, or an IPv6 address without a zone. Undefined otherwise. */
export function parseAddress(text: string): Address | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) {
    return { version: 4, value: toValue(ipaddr.IPv4.parse(text).toByteArray()) }
  }
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  return { version: 6, value: toValue(ipaddr.IPv6.parse(text).toByteArray()) }
}

export function formatAddress(version: IpVersion, value: bigint): string {
  const bytes: number[] = []
  for (let shift = bits(version) - 8; shift >= 0; shift -= 8) bytes.push(Number((value >> BigInt(shift)) & 0xffn))
  return version === 4 ? bytes.join('.') : ipaddr.fromByteArray(bytes).toString()
}

/** `10.0.0.0/24`; a bare address counts as one host. `isExact` says whether the host bits were zero. */
export function parseCidr(text: string): (Cidr & { isExact: boolean }) | undefined {
  const [host, length, more] = text.split('/')
  const address = parseAddress(host ?? '')
  if (address === undefined || more !== undefined) return undefined
  const width = bits(address.version)
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined
  const prefix = length === undefined ? width : Number(length)
  if (prefix > width) return undefined
  const size = 1n << BigInt(width - prefix)
  const first = address.value - (address.value % size)
  return { version: address.version, first, last: first + size - 1n, prefix, isExact: first === address.value }
}

export const formatCidr = (cidr: Cidr): string => `${formatAddress(cidr.version, cidr.first)}/${cidr.prefix}`

export const contains = (cidr: Cidr, address: Address): boolean =>
  cidr.version === address.version && address.value >= cidr.first && address.value <= cidr.last

export const overlaps = (a: Cidr, b: Cidr): boolean => a.version === b.version && a.first <= b.last && b.first <= a.last

/** A text that sorts as the address does: the form in which addresses are kept. */
export const addressKey = (address: Address): string =>
  address.value.toString(16).padStart(bits(address.version) / 4, '0')

export const fromKey = (version: IpVersion, key: string): Address => ({ version, value: BigInt(`0x${key}`) })

/** The canonical text of an address, or undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const address = parseAddress(text)
  return address === undefined ? undefined : formatAddress(address.version, address.value)
}

/** RFC 4291: the interface identifier of a MAC address inside a /64. */
export function eui64Address(network: Cidr, mac: string): Address {
  const octets = mac.split(':').map(part => BigInt(`0x${part}`))
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = octets
  const identifier = [a ^ 2n, b, c, 0xffn, 0xfen, d, e, f].reduce((sum, octet) => (sum << 8n) | octet, 0n)
  return { version: 6, value: network.first | identifier }
}

const linkLocalNet: Cidr = {
  version: 6,
  first: 0xfe80n << 112n,
  last: (0xfe80n << 112n) | ((1n << 64n) - 1n),
  prefix: 64,
}

export const linkLocal = (mac: string): string => formatAddress(6, eui64Address(linkLocalNet, mac).value)

const macPattern = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i
export const isMac = (text: string): boolean => macPattern.test(text)
