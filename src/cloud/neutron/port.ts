import { declareFault } from '#base'
import type { PortResources } from '#model'
import type { As } from '../glance/port.ts'

export const NetworkNotFound = declareFault(
  'NetworkNotFound',
  'missing',
  (p: { id: string }) => `Network ${p.id} could not be found.`,
)
export const PortNotFound = declareFault(
  'PortNotFound',
  'missing',
  (p: { id: string }) => `Port ${p.id} could not be found.`,
)
export const PortInUseByOther = declareFault(
  'PortInUse',
  'conflict',
  (p: { id: string }) => `Port ${p.id} is still in use.`,
)
export const NoMoreFixedIps = declareFault(
  'NoMoreFixedIps',
  'refused',
  (p: { id: string }) => `No fixed IP addresses available for network: ${p.id}`,
)
export const FixedIpInUse = declareFault(
  'FixedIpAlreadyInUse',
  'refused',
  (p: { address: string; id: string }) => `Fixed IP address ${p.address} is already in use on instance ${p.id}.`,
)
export const PortQuotaExceeded = declareFault(
  'PortLimitExceeded',
  'refused',
  () => 'Maximum number of ports exceeded',
  403,
)
export const SecurityGroupNotFound = declareFault(
  'SecurityGroupNotFound',
  'missing',
  (p: { id: string }) => `Security group ${p.id} not found.`,
)

/** A host cannot connect a port; the detail says why. */
export const PortNotBound = declareFault(
  'PortBindingFailed',
  'final',
  (p: { id: string }) => `Binding failed for port ${p.id}, please check neutron logs for more information.`,
)

export interface NetworkView {
  readonly id: string
  readonly name: string
  readonly projectId: string
  readonly isShared: boolean
  readonly isExternal: boolean
  readonly isUp: boolean
  readonly mtu: number
  readonly subnetIds: readonly string[]
  readonly isPortSecurityEnabled: boolean
  /** Of provider networks; only the operator is told. */
  readonly physicalNetwork?: string | null
  readonly networkType?: string
}

export interface SubnetView {
  readonly id: string
  readonly networkId: string
  readonly cidr: string
  readonly ipVersion: 4 | 6
  readonly gatewayIp: string | null
  readonly isDhcpEnabled: boolean
  readonly dnsNameservers: readonly string[]
  readonly hostRoutes: readonly { destination: string; nexthop: string }[]
  readonly ipv6AddressMode: string | null
  readonly ipv6RaMode: string | null
  /** Where DHCP answers from, when a server runs. */
  readonly dhcpServer: string | null
  /** Of a network that is routed between its segments: the one that this subnet is on. */
  readonly segmentId: string | null
}

export interface PortView {
  readonly id: string
  readonly name: string
  readonly networkId: string
  readonly projectId: string
  readonly macAddress: string
  readonly status: 'ACTIVE' | 'DOWN' | 'BUILD' | 'ERROR'
  readonly isUp: boolean
  readonly deviceId: string
  readonly deviceOwner: string
  readonly fixedIps: readonly { subnetId: string; ipAddress: string }[]
  readonly securityGroupIds: readonly string[]
  /** Empty string when unbound. */
  readonly bindingHost: string
  readonly vnicType: string
  /** `bridge` for the built-in network, `unbound`, `binding_failed`, `ovs`, … */
  readonly vifType: string
  readonly vifDetails: Readonly<Record<string, unknown>>
  readonly profile: Readonly<Record<string, unknown>>
  /** Floating addresses, each with the fixed one it stands for. */
  readonly floatingIps: readonly { address: string; fixedAddress: string }[]
  readonly isPortSecurityEnabled: boolean
  /** What it wants of its host in placement; only the operator is told. */
  readonly resourceGroups: readonly PortResources[]
  /** Groups that have to come from one branch of the host's providers; empty with one group or none. */
  readonly sameSubtree: readonly string[]
  /** How near its card has to be to the guest's memory; null: nobody has said. */
  readonly numaPolicy: string | null
}

/** How a port would be, or is, connected on one host. */
export interface PortBinding {
  readonly portId: string
  readonly host: string
  readonly vnicType: string
  readonly vifType: string
  readonly vifDetails: Readonly<Record<string, unknown>>
  readonly profile: Readonly<Record<string, unknown>>
}

export interface FloatingIpView {
  readonly id: string
  readonly address: string
  /** The external network it is of. */
  readonly networkId: string
  readonly projectId: string
  readonly portId: string | null
  readonly fixedAddress: string | null
}

export interface SecurityGroupView {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly projectId: string
}

export interface SecurityGroupRuleView {
  readonly id: string
  readonly groupId: string
  readonly direction: 'ingress' | 'egress'
  /** Null: any. */
  readonly protocol: string | null
  readonly portMin: number | null
  readonly portMax: number | null
  readonly remoteIpPrefix: string | null
  readonly remoteGroupId: string | null
}

export interface PortRequest {
  readonly networkId: string
  readonly projectId: string
  readonly deviceId: string
  readonly deviceOwner: string
  readonly bindingHost?: string
  readonly fixedIps?: readonly { ipAddress: string }[]
  readonly macAddress?: string
  readonly securityGroupIds?: readonly string[]
  readonly hostname?: string
}

/** Of incoming traffic; `null` = any. */
export type SecurityGroupRuleRequest = Omit<SecurityGroupRuleView, 'id' | 'direction'> & {
  readonly ethertype: 'IPv4' | 'IPv6'
}

export interface PortChange {
  readonly deviceId?: string
  readonly deviceOwner?: string
  readonly bindingHost?: string
  readonly securityGroupIds?: readonly string[]
  readonly hostname?: string
  readonly profile?: Readonly<Record<string, unknown>>
  /** All of them; one without an address keeps what the port has on that subnet, or gets a new one. */
  readonly fixedIps?: readonly { subnetId: string; ipAddress?: string }[]
}

/** Of what the caller may see; nothing given = all. */
export interface NetworkFilter {
  readonly ids?: readonly string[]
  readonly names?: readonly string[]
  readonly isExternal?: boolean
}

export interface FloatingIpFilter {
  readonly ids?: readonly string[]
  readonly addresses?: readonly string[]
  readonly projectId?: string
}

export interface PortFilter {
  readonly ids?: readonly string[]
  readonly deviceId?: string
  readonly networkId?: string
}

export interface NetworkPort {
  networks(as: As, filter: NetworkFilter): Promise<readonly NetworkView[]>
  /** Networks a server of this project gets when it names none: its own, else shared ones; never external only. */
  availableNetworks(as: As, projectId: string): Promise<readonly NetworkView[]>
  /** A network of the project's own with a way out, made if need be; undefined where there is no such thing. */
  automaticNetwork(as: As, projectId: string): Promise<string | undefined>
  subnets(as: As, ids: readonly string[]): Promise<readonly SubnetView[]>
  ports(as: As, filter: PortFilter): Promise<readonly PortView[]>
  /** Bound at once when `bindingHost` is given. */
  createPort(as: As, request: PortRequest): Promise<PortView>
  updatePort(as: As, id: string, change: PortChange): Promise<PortView>
  /** Deleting a port that is gone is no error. */
  deletePort(as: As, id: string): Promise<void>
  /** Of a project; or of those the caller sees, the ones with these ids or all. */
  securityGroups(as: As, which: string | { readonly ids?: readonly string[] }): Promise<readonly SecurityGroupView[]>
  /** Of these groups, in one call; ordered by group and id. */
  securityGroupRules(as: As, groupIds: readonly string[]): Promise<readonly SecurityGroupRuleView[]>
  securityGroupRule(as: As, id: string): Promise<SecurityGroupRuleView | undefined>
  /** These refuse in the network's words: see the faults of refusals.ts. New things are the caller's project's. */
  createSecurityGroup(as: As, name: string, description: string): Promise<SecurityGroupView>
  changeSecurityGroup(as: As, id: string, name: string, description: string): Promise<SecurityGroupView>
  deleteSecurityGroup(as: As, id: string): Promise<void>
  createSecurityGroupRule(as: As, request: SecurityGroupRuleRequest): Promise<SecurityGroupRuleView>
  deleteSecurityGroupRule(as: As, id: string): Promise<void>
  /** None where the network has no routers. */
  floatingIps(as: As, filter: FloatingIpFilter): Promise<readonly FloatingIpView[]>
  createFloatingIp(as: As, networkId: string): Promise<FloatingIpView>
  /** Puts it on the fixed address of a port, from wherever it was; null: on none. */
  changeFloatingIp(as: As, id: string, to: { portId: string; fixedAddress: string } | null): Promise<void>
  deleteFloatingIp(as: As, id: string): Promise<void>
  /** Those the caller sees, oldest first; none for a network that is not there. */
  subnetsOfNetwork(as: As, networkId: string): Promise<readonly SubnetView[]>
  /**
   * Binds these ports, in their order, to the host a server is about to move to, while the bindings they have stay the
   * active ones. Found ones are kept. All or none: refused with PortNotBound. Ports without a profile there keep what
   * theirs says.
   */
  addTargetBindings(
    portIds: readonly string[],
    host: string,
    profiles?: ReadonlyMap<string, PortBinding['profile']>,
  ): Promise<readonly PortBinding[]>
  /**
   * Makes the bindings to this host the active ones; those to the host before stay, inactive. A port of which it is the
   * active one already stays as it is; the others are down until they are plugged there.
   */
  activateTargetBindings(portIds: readonly string[], host: string): Promise<void>
  /** Takes inactive bindings to this host away: the target's of a move that failed, the source's of one that is done. */
  dropTargetBindings(portIds: readonly string[], host: string): Promise<void>
  /** Ports the project may still create; undefined = unlimited. */
  portQuotaLeft(as: As, projectId: string): Promise<number | undefined>
}

/** What the host needs to connect a guest to a bound port; done before the guest starts, undone after it is gone. */
export interface VifPlugger {
  /** Idempotent: bridge, DHCP, address translation and firewall rules of this port are in place afterwards. */
  plug(portId: string): Promise<void>
  unplug(portId: string): Promise<void>
}

/** A host as the network names its providers after it. */
export interface NetworkNode {
  /** Of its compute node, which is its provider. */
  readonly id: string
  readonly host: string
  readonly hypervisorHostname: string
}

/** How much of the network a host has, told to placement; Neutron's agents do that where there are some. */
export interface NetworkCapacity {
  /** Idempotent; nothing is written that is there already. */
  report(node: NetworkNode): Promise<void>
}

/** What Nova's old routes do by going to the network service. */
export type ProxiedNetwork = Pick<
  NetworkPort,
  | 'securityGroups'
  | 'securityGroupRules'
  | 'securityGroupRule'
  | 'createSecurityGroup'
  | 'changeSecurityGroup'
  | 'deleteSecurityGroup'
  | 'createSecurityGroupRule'
  | 'deleteSecurityGroupRule'
  | 'floatingIps'
  | 'createFloatingIp'
  | 'changeFloatingIp'
  | 'deleteFloatingIp'
>
