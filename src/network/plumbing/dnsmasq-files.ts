import { formatAddress } from '../addresses.ts'
import type { DesiredDhcp, DesiredNetwork, DesiredPort, DesiredRouter, DesiredSubnet } from './desired-model.ts'
import { metadataAddress } from './metadata-address.ts'

/** What one dnsmasq is told: arguments, hosts and options. Pure text. */

export interface DnsmasqSettings {
  readonly domain: string
  readonly leaseSeconds: number
  /** Whether guests find a metadata service behind the well-known address. */
  readonly hasMetadata: boolean
}

export interface DnsmasqPaths {
  readonly directory: string
  readonly script: string
}

const tag = (subnet: DesiredSubnet): string => `s${subnet.id.slice(0, 11)}`
const netmask = (subnet: DesiredSubnet): string =>
  formatAddress(4, 0xffffffffn ^ ((1n << BigInt(32 - subnet.cidr.prefix)) - 1n))

export const servedSubnets = (network: DesiredNetwork): readonly DesiredSubnet[] =>
  network.subnets.filter(subnet => subnet.dhcpIp !== null)

function range(subnet: DesiredSubnet, leaseSeconds: number): string {
  const first = formatAddress(subnet.cidr.version, subnet.cidr.first)
  if (subnet.cidr.version === 4) return `set:${tag(subnet)},${first},static,${netmask(subnet)},${leaseSeconds}s`
  const mode = subnet.ipv6RaMode ?? subnet.ipv6AddressMode
  if (mode === 'slaac') return `set:${tag(subnet)},${first},ra-only,${subnet.cidr.prefix}`
  const kind = mode === 'dhcpv6-stateless' ? 'ra-stateless' : 'static'
  return `set:${tag(subnet)},${first},${kind},${subnet.cidr.prefix},${leaseSeconds}s`
}

/** A /8 has 16 million addresses, dnsmasq need not count on that many. */
const maxLeases = 65_536

function leaseMax(subnets: readonly DesiredSubnet[]): number {
  const total = subnets.reduce((sum, { cidr }) => sum + (cidr.last - cidr.first + 1n), 0n)
  return total > BigInt(maxLeases) ? maxLeases : Number(total)
}

/** What all of them are told. */
const common = (directory: string): string[] => [
  '--conf-file=/dev/null',
  '--no-hosts',
  '--strict-order',
  '--bind-interfaces',
  '--except-interface=lo',
  `--pid-file=${directory}/pid`,
  `--log-facility=${directory}/log`,
]

const quiet = ['--quiet-dhcp', '--quiet-dhcp6', '--quiet-ra']

/** Of a network, on its leg in the namespace. */
export function dhcpArguments(
  network: DesiredNetwork,
  { leg }: DesiredDhcp,
  settings: DnsmasqSettings,
  { directory, script }: DnsmasqPaths,
): readonly string[] {
  const subnets = servedSubnets(network)
  return [
    ...common(directory),
    `--interface=${leg.name}`,
    `--resolv-file=${directory}/resolv`,
    `--dhcp-hostsfile=${directory}/hosts`,
    `--dhcp-optsfile=${directory}/opts`,
    `--dhcp-script=${script}`,
    '--leasefile-ro',
    // After a restart a guest may renew a lease this process has not seen yet.
    '--dhcp-authoritative',
    `--dhcp-lease-max=${leaseMax(subnets)}`,
    `--domain=${settings.domain}`,
    ...quiet,
    // Prefixes are announced here, with or without a router; a way out is the routers' to announce.
    ...(subnets.some(subnet => subnet.cidr.version === 6) ? ['--enable-ra', `--ra-param=${leg.name},0,0`] : []),
    ...subnets.map(subnet => `--dhcp-range=${range(subnet, settings.leaseSeconds)}`),
  ]
}

/** Of a router, which says that it is one on the IPv6 subnets whose gateway it is. */
export const advertiserArguments = (
  { advertised }: Pick<DesiredRouter, 'advertised'>,
  leaseSeconds: number,
  directory: string,
): readonly string[] => [
  ...common(directory),
  ...[...new Set(advertised.map(({ leg }) => leg))].map(leg => `--interface=${leg}`),
  '--port=0',
  '--leasefile-ro',
  ...quiet,
  '--enable-ra',
  ...advertised.map(({ subnet }) => `--dhcp-range=${range(subnet, leaseSeconds)}`),
]

/** On an external network, where those of the networks ask for names that they do not know. */
export const forwarderArguments = ({ bridge }: DesiredNetwork, directory: string): readonly string[] => [
  ...common(directory),
  `--interface=${bridge}`,
]

/** RFC 3442: a client that gets this option ignores the router option, so the default route stands here too. */
function routesOf(subnet: DesiredSubnet, hasMetadata: boolean): string[] {
  const routes = subnet.hostRoutes
    .filter(route => !`${route.destination}${route.nexthop}`.includes(':'))
    .flatMap(route => [route.destination, route.nexthop])
  if (hasMetadata && subnet.dhcpIp !== null) routes.push(`${metadataAddress}/32`, subnet.dhcpIp)
  if (subnet.gatewayIp !== null) routes.push('0.0.0.0/0', subnet.gatewayIp)
  return routes
}

function options4(subnet: DesiredSubnet, mtu: number, hasMetadata: boolean): string[] {
  const dns = subnet.dnsNameservers.filter(server => !server.includes(':'))
  const routes = routesOf(subnet, hasMetadata)
  const option = (name: string, ...values: string[]) => [`tag:${tag(subnet)}`, name, ...values].join(',')
  return [
    // Alone it takes the router away that dnsmasq would announce by itself.
    subnet.gatewayIp === null ? option('option:router') : option('option:router', subnet.gatewayIp),
    ...(routes.length > 0 ? [option('option:classless-static-route', ...routes), option('249', ...routes)] : []),
    option('option:mtu', String(mtu)),
    option('option:dns-server', ...(dns.length > 0 ? dns : [subnet.dhcpIp ?? ''])),
  ]
}

function options6(subnet: DesiredSubnet): string[] {
  const dns = subnet.dnsNameservers.filter(server => server.includes(':')).map(server => `[${server}]`)
  return dns.length > 0 ? [`tag:${tag(subnet)},option6:dns-server,${dns.join(',')}`] : []
}

export const optionsText = (network: DesiredNetwork, settings: DnsmasqSettings): string =>
  servedSubnets(network)
    .flatMap(subnet =>
      subnet.cidr.version === 4 ? options4(subnet, network.mtu, settings.hasMetadata) : options6(subnet),
    )
    .map(line => `${line}\n`)
    .join('')

/** A DNS label out of whatever a server is called; the address speaks where nothing is left. */
export function hostLabel(hostname: string, address: string): string {
  const label = (hostname.split('.')[0] ?? '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '')
    .replaceAll(/^-+|-+$/g, '')
  if (label === '') return `host-${address.replaceAll(/[.:]/g, '-').replace(/-$/, '')}`
  // As nova-network shortened them: a label has at most 63 characters.
  return label.length > 63 ? `${label.slice(0, 2)}-${label.slice(-60)}` : label
}

/** One line per port and version: a guest gets exactly its port's address, nobody else gets any. */
export function hostsText(network: DesiredNetwork, ports: readonly DesiredPort[]): string {
  const served = new Set(servedSubnets(network).map(subnet => subnet.id))
  const lines: string[] = []
  for (const port of ports.filter(item => item.networkId === network.id)) {
    for (const version of [4, 6] as const) {
      const address = port.addresses.find(item => item.version === version && served.has(item.subnetId))?.address
      if (address === undefined) continue
      const text = version === 6 ? `[${address}]` : address
      lines.push(`${port.mac},${text},${hostLabel(port.hostname, address)}\n`)
    }
  }
  return lines.join('')
}
