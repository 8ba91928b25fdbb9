/** network_data.json: links, networks and services of a server, for network configuration without DHCP. */
import type { Json } from '#base'
import type { MetadataSubnet, MetadataVif } from './source.ts'

/** VIF types that guests have been told by name; every other one is shown as a physical link. */
const exposedTypes = new Set(['bridge', 'dvs', 'hw_veb', 'hyperv', 'ovs', 'tap', 'vhostuser', 'vif'])

const bitsToIpV4 = (bits: number): string =>
  [0, 8, 16, 24].map(at => 256 - 2 ** (8 - Math.min(8, Math.max(0, bits - at)))).join('.')

/** `ffff:ffff:ffff:ffff::`, in the short form. */
function bitsToIpV6(bits: number): string {
  const groups = Array.from({ length: 8 }, (_, index) => Math.min(16, Math.max(0, bits - index * 16)))
  const used = groups.filter(count => count > 0).map(count => (65_536 - 2 ** (16 - count)).toString(16))
  return used.length === 8 ? used.join(':') : `${used.join(':')}::`
}

const netmask = (cidr: string, version: 4 | 6): string => {
  const bits = Number(cidr.split('/')[1] ?? (version === 4 ? 32 : 128))
  return version === 4 ? bitsToIpV4(bits) : bitsToIpV6(bits)
}

function route(destination: string, gateway: string): { [key: string]: Json } {
  const [network = '', bits] = destination.split('/')
  const version = network.includes(':') ? 6 : 4
  return { network, netmask: netmask(`${network}/${bits ?? (version === 4 ? 32 : 128)}`, version), gateway }
}

function dnsOf(subnet: MetadataSubnet): { type: string; address: string }[] {
  return subnet.dns.map(address => ({ type: 'dns', address }))
}

function network(vif: MetadataVif, subnet: MetadataSubnet, index: number, link: string): { [key: string]: Json } {
  const { version } = subnet
  const mode = subnet.ipv6AddressMode ?? null
  const id = `network${index}`
  if (mode === null && subnet.dhcpServer !== null) {
    return { id, type: `ipv${version}_dhcp`, link, network_id: vif.networkId }
  }
  const everywhere = version === 4 ? '0.0.0.0/0' : '::/0'
  return {
    id,
    type: `ipv${version}${mode === null ? '' : `_${mode}`}`,
    link,
    ip_address: subnet.ips[0]?.address ?? null,
    netmask: netmask(subnet.cidr, version),
    routes: [
      ...(subnet.gateway === null ? [] : [route(everywhere, subnet.gateway)]),
      ...subnet.routes.map(({ destination, nexthop }) => route(destination, nexthop)),
    ],
    network_id: vif.networkId,
    services: dnsOf(subnet),
  }
}

/** `{}` for a server without interfaces. Only the first IPv4 and the first IPv6 subnet of an interface are shown. */
export function networkData(vifs: readonly MetadataVif[]): { [key: string]: Json } {
  if (vifs.length === 0) return {}
  const links: Json[] = []
  const networks: Json[] = []
  const services: { type: string; address: string }[] = []
  for (const vif of vifs.filter(({ subnets }) => subnets.length > 0)) {
    const link = vif.devName === '' ? `interface${links.length}` : vif.devName
    links.push({
      id: link,
      vif_id: vif.portId,
      type: exposedTypes.has(vif.vifType) ? vif.vifType : 'phy',
      mtu: vif.subnets.some(subnet => subnet.dhcpServer !== null) ? null : vif.mtu,
      ethernet_mac_address: vif.mac,
    })
    for (const version of [4, 6]) {
      const subnet = vif.subnets.find(candidate => candidate.version === version)
      if (subnet === undefined || subnet.ips.length === 0) continue
      networks.push(network(vif, subnet, networks.length, link))
      const fresh = dnsOf(subnet).filter(dns => !services.some(known => known.address === dns.address))
      services.push(...fresh)
    }
  }
  return { links, networks, services }
}
