import type {
  FloatingIpView,
  NetworkView,
  PortView,
  SecurityGroupRuleView,
  SecurityGroupView,
  SubnetView,
} from './port.ts'

/** Neutron's documents as far as they are read, and what they mean in the port's words. */

export interface WireNetwork {
  readonly id: string
  readonly name: string
  readonly project_id?: string
  readonly tenant_id?: string
  readonly shared: boolean
  readonly admin_state_up: boolean
  readonly 'router:external'?: boolean
  readonly mtu?: number
  readonly subnets: readonly string[]
  readonly port_security_enabled?: boolean
  readonly 'provider:physical_network'?: string | null
  readonly 'provider:network_type'?: string | null
}

export interface WireSubnet {
  readonly id: string
  readonly network_id: string
  readonly cidr: string
  readonly ip_version: number
  readonly gateway_ip: string | null
  readonly enable_dhcp: boolean
  readonly dns_nameservers: readonly string[]
  readonly host_routes: readonly { destination: string; nexthop: string }[]
  readonly ipv6_address_mode?: string | null
  readonly ipv6_ra_mode?: string | null
  readonly segment_id?: string | null
}

interface WireRequestGroup {
  readonly id: string
  readonly resources: Readonly<Record<string, number>>
  readonly required?: readonly string[]
}

/** With groups since Neutron 19; before, one group without a name. */
interface WireResourceRequest {
  readonly request_groups?: readonly WireRequestGroup[]
  readonly same_subtree?: readonly string[]
  readonly resources?: Readonly<Record<string, number>>
  readonly required?: readonly string[]
}

export interface WirePort {
  readonly id: string
  readonly name: string
  readonly network_id: string
  readonly project_id?: string
  readonly tenant_id?: string
  readonly mac_address: string
  readonly admin_state_up: boolean
  readonly status: string
  readonly device_id: string
  readonly device_owner: string
  readonly fixed_ips: readonly { subnet_id: string; ip_address: string }[]
  readonly security_groups?: readonly string[]
  readonly port_security_enabled?: boolean
  readonly revision_number?: number
  readonly numa_affinity_policy?: string | null
  /** Shown to administrators only. */
  readonly resource_request?: WireResourceRequest | null
  /** The bindings are shown to administrators only. */
  readonly 'binding:host_id'?: string
  readonly 'binding:vnic_type'?: string
  readonly 'binding:vif_type'?: string
  readonly 'binding:vif_details'?: Readonly<Record<string, unknown>>
  readonly 'binding:profile'?: Readonly<Record<string, unknown>>
}

const ownerOf = (wire: { project_id?: string; tenant_id?: string }): string => wire.project_id ?? wire.tenant_id ?? ''

export const networkOf = (wire: WireNetwork): NetworkView => ({
  id: wire.id,
  name: wire.name,
  projectId: ownerOf(wire),
  isShared: wire.shared,
  isExternal: wire['router:external'] ?? false,
  isUp: wire.admin_state_up,
  mtu: wire.mtu ?? 1500,
  subnetIds: wire.subnets,
  isPortSecurityEnabled: wire.port_security_enabled ?? true,
  ...(wire['provider:network_type'] ? { networkType: wire['provider:network_type'] } : {}),
  ...(wire['provider:physical_network'] ? { physicalNetwork: wire['provider:physical_network'] } : {}),
})

/** Like Nova: an outside DHCP server is not known to Neutron, and guests then find it at the gateway. */
export const subnetOf = (wire: WireSubnet, dhcpPort: string | undefined): SubnetView => ({
  id: wire.id,
  networkId: wire.network_id,
  cidr: wire.cidr,
  ipVersion: wire.ip_version === 4 ? 4 : 6,
  gatewayIp: wire.gateway_ip,
  isDhcpEnabled: wire.enable_dhcp,
  dnsNameservers: wire.dns_nameservers,
  hostRoutes: wire.host_routes,
  ipv6AddressMode: wire.ipv6_address_mode ?? null,
  ipv6RaMode: wire.ipv6_ra_mode ?? null,
  segmentId: wire.segment_id ?? null,
  dhcpServer: wire.enable_dhcp ? (dhcpPort ?? wire.gateway_ip) : null,
})

/** A request without groups is one that goes by the port's own id. */
function wantsOf({ id, resource_request: request }: WirePort): Pick<PortView, 'resourceGroups' | 'sameSubtree'> {
  const named = request?.request_groups ?? []
  const plain = request?.resources
  const groups = plain === undefined ? named : [{ id, resources: plain, required: request?.required ?? [] }]
  return {
    resourceGroups: groups.map(({ id: name, resources, required = [] }) => ({ id: name, resources, required })),
    sameSubtree: groups.length > 1 ? (request?.same_subtree ?? []) : [],
  }
}

const statuses = ['ACTIVE', 'DOWN', 'BUILD', 'ERROR'] as const

export const portOf = (wire: WirePort, floatingIps: PortView['floatingIps']): PortView => ({
  id: wire.id,
  name: wire.name,
  networkId: wire.network_id,
  projectId: ownerOf(wire),
  macAddress: wire.mac_address,
  status: statuses.find(status => status === wire.status) ?? 'DOWN',
  isUp: wire.admin_state_up,
  deviceId: wire.device_id,
  deviceOwner: wire.device_owner,
  fixedIps: wire.fixed_ips.map(ip => ({ subnetId: ip.subnet_id, ipAddress: ip.ip_address })),
  securityGroupIds: wire.security_groups ?? [],
  bindingHost: wire['binding:host_id'] ?? '',
  vnicType: wire['binding:vnic_type'] ?? 'normal',
  vifType: wire['binding:vif_type'] ?? 'unbound',
  vifDetails: wire['binding:vif_details'] ?? {},
  profile: wire['binding:profile'] ?? {},
  floatingIps,
  isPortSecurityEnabled: wire.port_security_enabled ?? true,
  ...wantsOf(wire),
  numaPolicy: wire.numa_affinity_policy ?? null,
})

export interface WireRule {
  readonly id: string
  readonly security_group_id: string
  readonly direction: 'ingress' | 'egress'
  readonly protocol: string | null
  readonly port_range_min: number | null
  readonly port_range_max: number | null
  readonly remote_ip_prefix: string | null
  readonly remote_group_id: string | null
}

export const ruleOf = (wire: WireRule): SecurityGroupRuleView => ({
  id: wire.id,
  groupId: wire.security_group_id,
  direction: wire.direction,
  protocol: wire.protocol,
  portMin: wire.port_range_min,
  portMax: wire.port_range_max,
  remoteIpPrefix: wire.remote_ip_prefix,
  remoteGroupId: wire.remote_group_id,
})

export interface WireFloatingIp {
  readonly id: string
  readonly floating_network_id: string
  readonly floating_ip_address: string
  readonly fixed_ip_address: string | null
  readonly port_id: string | null
  readonly router_id: string | null
  readonly project_id?: string
  readonly tenant_id?: string
}

export const floatingIpOf = (wire: WireFloatingIp): FloatingIpView => ({
  id: wire.id,
  address: wire.floating_ip_address,
  networkId: wire.floating_network_id,
  projectId: ownerOf(wire),
  portId: wire.port_id,
  fixedAddress: wire.fixed_ip_address,
})

export interface WireGroup {
  readonly id: string
  readonly name: string
  readonly description?: string
  readonly project_id?: string
  readonly tenant_id?: string
}

export const groupOf = (wire: WireGroup): SecurityGroupView => ({
  id: wire.id,
  name: wire.name,
  description: wire.description ?? '',
  projectId: ownerOf(wire),
})
