import type { Cidr } from '../addresses.ts'
import type { SecurityGroupRuleRow } from '../store/tables.ts'

/**
 * What should be on this machine, as data: the only input of the plumbing. Networks without a guest, and external ones that
 * no router joins with a network that has one, are not here, so nothing is made for them.
 */
export interface Desired {
  readonly networks: readonly DesiredNetwork[]
  readonly ports: readonly DesiredPort[]
  readonly groups: ReadonlyMap<string, DesiredGroup>
  /** Those that are up and join a network that is here. */
  readonly routers: readonly DesiredRouter[]
  /** Subnets behind routers that this host itself reaches. */
  readonly hostRoutes: readonly HostRouteWish[]
}

export const nothing: Desired = { networks: [], ports: [], groups: new Map(), routers: [], hostRoutes: [] }

export interface DesiredNetwork {
  readonly id: string
  readonly bridge: string
  readonly mtu: number
  /** The host only carries its frames; else it takes part in it, as the way out of an external network. */
  readonly isClosed: boolean
  /** Connection tracking zone of a closed one: two of them may use the same addresses. */
  readonly zone: number | undefined
  /** The host's own, with prefix. */
  readonly hostAddresses: readonly string[]
  readonly subnets: readonly DesiredSubnet[]
  readonly dhcp: DesiredDhcp | undefined
}

export interface DesiredSubnet {
  readonly id: string
  readonly cidr: Cidr
  readonly gatewayIp: string | null
  /** Where its DHCP server is. Null: it has none. */
  readonly dhcpIp: string | null
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly { destination: string; nexthop: string }[]
  readonly ipv6RaMode: string | null
  readonly ipv6AddressMode: string | null
}

/** An interface of a namespace, on the bridge of a network. */
export interface Leg {
  /** Inside; the end on the bridge is named after the port. */
  readonly name: string
  readonly portId: string
  readonly networkId: string
  readonly bridge: string
  readonly mtu: number
  readonly mac: string
  /** With prefix. */
  readonly addresses: readonly string[]
}

export interface DesiredDhcp {
  readonly leg: Leg
  /** Where names of the world are asked for, and the gateway behind which that is. */
  readonly upstream: { readonly server: string; readonly via: string } | undefined
}

export interface DesiredRouter {
  readonly id: string
  readonly inside: readonly Leg[]
  /** Its IPv6 subnets to which it is the gateway, for router advertisements. */
  readonly advertised: readonly { readonly leg: string; readonly subnet: DesiredSubnet }[]
  readonly outside: Leg | undefined
  /** Next hops of its default routes. */
  readonly gateways: readonly string[]
  /** The address under which all else appears outside; undefined: under its own. */
  readonly snatAddress: string | undefined
  /** IPv4 addresses outside that stand for others inside. */
  readonly floating: readonly { readonly address: string; readonly fixedAddress: string }[]
  readonly routes: readonly { readonly destination: string; readonly nexthop: string }[]
  /** Its own addresses at which guests may ask for names, and the network's server that is asked then. */
  readonly names: readonly { readonly address: string; readonly server: string }[]
  /** Subnets behind it, seen from outside. */
  readonly behind: readonly Cidr[]
}

export interface HostRouteWish {
  readonly cidr: Cidr
  readonly via: string
  readonly bridge: string
}

export interface DesiredPort {
  readonly id: string
  readonly networkId: string
  readonly bridge: string
  /** Of its network. */
  readonly zone: number | undefined
  readonly tap: string
  readonly mac: string
  readonly addresses: readonly { subnetId: string; address: string; version: 4 | 6 }[]
  readonly isSecured: boolean
  readonly isUp: boolean
  readonly groupIds: readonly string[]
  readonly hostname: string
  /** Where its guest is, and where it is awaited. */
  readonly hosts: readonly string[]
}

export interface DesiredGroup {
  readonly id: string
  readonly rules: readonly SecurityGroupRuleRow[]
  /** Addresses of the member ports, on whatever host. */
  readonly members: readonly { address: string; version: 4 | 6 }[]
}

/** What has to be wired on one of the hosts: the ports for which this is true, and the groups of all. */
export const withPorts = (desired: Desired, isThere: (port: DesiredPort) => boolean): Desired => ({
  ...desired,
  ports: desired.ports.filter(isThere),
})
