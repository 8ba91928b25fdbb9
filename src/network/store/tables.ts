/** Rows as they lie in the database, columns in camel case (snake case on disk). Booleans are 0 or 1. */

export interface Stamped {
  revision: number
  createdAtMs: number
  updatedAtMs: number
}

export interface NetworkRow extends Stamped {
  id: string
  projectId: string
  name: string
  description: string
  isUp: number
  isShared: number
  isExternal: number
  isDefault: number
  mtu: number
  portSecurity: number
  /** Null: it is this machine's own. */
  physicalNetwork: string | null
  segmentationId: number | null
  qosPolicyId: string | null
  /** This machine reaches its guests by their own addresses, through its router. */
  isHostRouted: number
}

/** The connection tracking zone of a network while it lives on the host. */
export interface NetworkZoneRow {
  networkId: string
  zone: number
}

export interface SubnetRow extends Stamped {
  id: string
  networkId: string
  projectId: string
  name: string
  description: string
  ipVersion: number
  cidr: string
  gatewayIp: string | null
  dhcp: number
  /** JSON list of addresses. */
  dnsNameservers: string
  /** JSON list of { destination, nexthop }. */
  hostRoutes: string
  ipv6AddressMode: string | null
  ipv6RaMode: string | null
}

/** Addresses as sortable keys (see addressKey). */
export interface AllocationPoolRow {
  subnetId: string
  firstKey: string
  lastKey: string
}

export interface PortRow extends Stamped {
  id: string
  networkId: string
  projectId: string
  name: string
  description: string
  mac: string
  isUp: number
  status: string
  deviceId: string
  deviceOwner: string
  portSecurity: number
  bindingHost: string
  vnicType: string
  vifType: string
  vifDetails: string
  profile: string
  dnsName: string
  /** 1 while the plugger keeps it connected on this host. */
  isPlugged: number
  /** Its own; null: that of its network. */
  qosPolicyId: string | null
}

/** Where a port could be connected besides the host that its row names: made before a guest moves there. */
export interface InactiveBindingRow {
  portId: string
  host: string
  vnicType: string
  vifType: string
  vifDetails: string
  profile: string
}

export interface FixedIpRow {
  networkId: string
  addressKey: string
  address: string
  subnetId: string
  portId: string
  position: number
}

export interface SecurityGroupRow extends Stamped {
  id: string
  projectId: string
  name: string
  description: string
}

export interface SecurityGroupRuleRow extends Stamped {
  id: string
  projectId: string
  groupId: string
  direction: 'ingress' | 'egress'
  ethertype: 'IPv4' | 'IPv6'
  protocol: string | null
  portMin: number | null
  portMax: number | null
  remoteIpPrefix: string | null
  remoteGroupId: string | null
  description: string
  /** What makes two rules the same; unique within the group. */
  sameness: string
}

export interface RouterRow extends Stamped {
  id: string
  projectId: string
  name: string
  description: string
  isUp: number
  externalNetworkId: string | null
  snat: number
  externalPortId: string | null
  routes: string
}

export interface FloatingIpRow extends Stamped {
  id: string
  projectId: string
  description: string
  networkId: string
  address: string
  /** The port that keeps the address reserved on the external network. */
  ownPortId: string
  routerId: string | null
  portId: string | null
  fixedAddress: string | null
  status: string
}

export interface QosPolicyRow extends Stamped {
  id: string
  projectId: string
  name: string
  description: string
  isShared: number
}

/** What a policy promises: so much at least, that way. */
export interface QosRuleRow {
  id: string
  policyId: string
  kind: 'minimum_bandwidth' | 'minimum_packet_rate'
  direction: 'egress' | 'ingress' | 'any'
  /** Kilobits, or thousands of packets, per second. */
  amount: number
}

export interface Tables {
  networks: NetworkRow
  networkZones: NetworkZoneRow
  subnets: SubnetRow
  allocationPools: AllocationPoolRow
  ports: PortRow
  inactiveBindings: InactiveBindingRow
  fixedIps: FixedIpRow
  securityGroups: SecurityGroupRow
  /** One default group per project: whoever inserts here first made it. */
  defaultSecurityGroups: { projectId: string; groupId: string }
  securityGroupRules: SecurityGroupRuleRow
  portSecurityGroups: { portId: string; groupId: string }
  quotas: { projectId: string; resource: string; amount: number }
  tags: { resourceId: string; tag: string }
  leases: { networkId: string; address: string; mac: string; hostname: string; expiresAtMs: number }
  routers: RouterRow
  routerInterfaces: { routerId: string; portId: string; subnetId: string }
  floatingIps: FloatingIpRow
  qosPolicies: QosPolicyRow
  qosRules: QosRuleRow
  /** Facts about this deployment by name, such as its id. */
  facts: { name: string; value: string }
}
