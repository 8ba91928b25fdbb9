import type { DesiredDhcp, Leg } from './desired-model.ts'
import { metadataAddress } from './metadata-address.ts'
import type { Namespace } from './namespace.ts'
import { setRoutes } from './routes.ts'

export const dhcpNamespace = (networkId: string): string => `qdhcp-${networkId}`

/** It is nobody's way to anywhere, and nobody tells it of one. */
const names = ['all', 'default']
const switches = {
  0: ['ipv4/ip_forward', ...names.map(name => `ipv6/conf/${name}/accept_ra`)],
  1: names.flatMap(name => [`ipv4/conf/${name}/arp_notify`, `ipv6/conf/${name}/ndisc_notify`]),
}

/** Where a network's guests find DHCP, names and metadata; may be made over whatever is there. Returns a leg that is new. */
export async function makeDhcpNamespace(namespace: Namespace, { leg, upstream }: DesiredDhcp): Promise<readonly Leg[]> {
  await namespace.make(switches)
  // On the leg, so that a guest which thinks that it is next door finds it there.
  const fresh = await namespace.connect([leg], () => [`${metadataAddress}/32`])
  const way = upstream === undefined ? [] : [{ destination: upstream.server, via: upstream.via, device: leg.name }]
  await setRoutes(namespace.commands, way)
  return fresh
}
