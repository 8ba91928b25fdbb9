import { declareFault } from '#base'

/** What Neutron's users see when something is refused: its exception names as codes, its sentences, its statuses. */

type Id = { id: string }

export const BadRequest = declareFault('HTTPBadRequest', 'refused', (p: { reason: string }) => p.reason)
export const InvalidInput = declareFault(
  'InvalidInput',
  'refused',
  (p: { reason: string }) => `Invalid input for operation: ${p.reason}.`,
)
export const PolicyNotAuthorized = declareFault(
  'PolicyNotAuthorized',
  'refused',
  (p: { rule: string }) => `${p.rule} is disallowed by policy`,
  403,
)

export const AutoAllocationFailure = declareFault(
  'AutoAllocationFailure',
  'conflict',
  (p: { reason: string }) => `Deployment error: ${p.reason}.`,
)
export const NetworkNotFound = declareFault(
  'NetworkNotFound',
  'missing',
  (p: Id) => `Network ${p.id} could not be found.`,
)
export const SubnetNotFound = declareFault('SubnetNotFound', 'missing', (p: Id) => `Subnet ${p.id} could not be found.`)
export const PortNotFound = declareFault('PortNotFound', 'missing', (p: Id) => `Port ${p.id} could not be found.`)
export const SecurityGroupNotFound = declareFault(
  'SecurityGroupNotFound',
  'missing',
  (p: Id) => `Security group ${p.id} does not exist`,
)
export const SecurityGroupRuleNotFound = declareFault(
  'SecurityGroupRuleNotFound',
  'missing',
  (p: Id) => `Security group rule ${p.id} does not exist`,
)
export const AgentNotFound = declareFault('AgentNotFound', 'missing', (p: Id) => `Agent ${p.id} could not be found`)
export const TagNotFound = declareFault(
  'TagNotFound',
  'missing',
  (p: { tag: string }) => `Tag ${p.tag} could not be found.`,
)
export const ExtensionNotFound = declareFault(
  'HTTPNotFound',
  'missing',
  (p: { alias: string }) => `Extension with alias ${p.alias} does not exist`,
)

export const NetworkInUse = declareFault(
  'NetworkInUse',
  'conflict',
  (p: Id) =>
    `Unable to complete operation on network ${p.id}. There are one or more ports still in use on the network.`,
)
export const SubnetInUse = declareFault(
  'SubnetInUse',
  'conflict',
  (p: Id) =>
    `Unable to complete operation on subnet ${p.id}: One or more ports have an IP allocation from this subnet.`,
)
export const PortInUse = declareFault(
  'PortInUse',
  'conflict',
  (p: { id: string; networkId: string; deviceId: string }) =>
    `Unable to complete operation on port ${p.id} for network ${p.networkId}. Port already has an attached device ${p.deviceId}.`,
)
export const IpAddressAlreadyAllocated = declareFault(
  'IpAddressAlreadyAllocated',
  'conflict',
  (p: { address: string; subnetId: string }) => `IP address ${p.address} already allocated in subnet ${p.subnetId}`,
)
export const IpAddressGenerationFailure = declareFault(
  'IpAddressGenerationFailure',
  'conflict',
  (p: Id) => `No more IP addresses available on network ${p.id}.`,
)
export const MacAddressInUse = declareFault(
  'MacAddressInUse',
  'conflict',
  (p: { mac: string; networkId: string }) =>
    `Unable to complete operation for network ${p.networkId}. The mac address ${p.mac} is in use.`,
)
export const InvalidIpForNetwork = declareFault(
  'InvalidIpForNetwork',
  'refused',
  (p: { address: string }) =>
    `IP address ${p.address} is not a valid IP for any of the subnets on the specified network.`,
)
export const InvalidIpForSubnet = declareFault(
  'InvalidIpForSubnet',
  'refused',
  (p: { address: string }) => `IP address ${p.address} is not a valid IP for the specified subnet.`,
)
export const GatewayConflict = declareFault(
  'GatewayConflictWithAllocationPools',
  'conflict',
  (p: { address: string; pool: string }) => `Gateway ip ${p.address} conflicts with allocation pool ${p.pool}.`,
)
export const OutOfBoundsPool = declareFault(
  'OutOfBoundsAllocationPool',
  'refused',
  (p: { pool: string; cidr: string }) => `The allocation pool ${p.pool} spans beyond the subnet cidr ${p.cidr}.`,
)
export const InvalidPool = declareFault(
  'InvalidAllocationPool',
  'refused',
  (p: { pool: string }) => `The allocation pool ${p.pool} is not valid.`,
)
export const OverlappingPools = declareFault(
  'OverlappingAllocationPools',
  'conflict',
  (p: { pool: string; other: string; cidr: string }) =>
    `Found overlapping allocation pools: ${p.pool}, ${p.other} for subnet ${p.cidr}.`,
)
export const OverQuota = declareFault(
  'OverQuota',
  'conflict',
  (p: { resources: string }) => `Quota exceeded for resources: ['${p.resources}'].`,
)
export const QuotaInvalid = declareFault(
  'InvalidInput',
  'refused',
  (p: { reason: string }) => `Invalid input for operation: ${p.reason}.`,
)
export const SecurityGroupInUse = declareFault(
  'SecurityGroupInUse',
  'conflict',
  (p: Id) => `Security Group ${p.id} in use.`,
)
export const SecurityGroupCannotRemoveDefault = declareFault(
  'SecurityGroupCannotRemoveDefault',
  'conflict',
  () => 'Insufficient rights for removing default security group.',
)
export const SecurityGroupCannotUpdateDefault = declareFault(
  'SecurityGroupCannotUpdateDefault',
  'conflict',
  () => 'Updating default security group not allowed.',
)
export const SecurityGroupDefaultExists = declareFault(
  'SecurityGroupDefaultAlreadyExists',
  'conflict',
  () => 'Default security group already exists.',
)
export const SecurityGroupRuleExists = declareFault(
  'SecurityGroupRuleExists',
  'conflict',
  (p: Id) => `Security group rule already exists. Rule id is ${p.id}.`,
)
export const PortSecurityNeedsAddress = declareFault(
  'PortSecurityAndIPRequiredForSecurityGroups',
  'refused',
  () => 'Port security must be enabled and port must have an IP address in order to use security groups.',
)
export const PortSecurityHasGroups = declareFault(
  'PortSecurityPortHasSecurityGroup',
  'conflict',
  () =>
    'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
)
export const InvalidSharedSetting = declareFault(
  'InvalidSharedSetting',
  'conflict',
  (p: { network: string }) =>
    `Unable to reconfigure sharing settings for network ${p.network}. Multiple tenants are using it.`,
)

type AtHost = { id: string; host: string }

export const PortBindingNotFound = declareFault(
  'PortBindingNotFound',
  'missing',
  (p: AtHost) => `Binding for port ${p.id} for host ${p.host} could not be found.`,
)
export const PortBindingAlreadyActive = declareFault(
  'PortBindingAlreadyActive',
  'conflict',
  (p: AtHost) => `Binding for port ${p.id} on host ${p.host} is already active.`,
)
export const PortBindingAlreadyExists = declareFault(
  'PortBindingAlreadyExists',
  'conflict',
  (p: AtHost) => `Binding for port ${p.id} on host ${p.host} already exists.`,
)
/** A 500 to the client, as in Neutron; the detail is for the log. */
export const PortBindingError = declareFault(
  'PortBindingError',
  'final',
  (p: AtHost) => `Binding for port ${p.id} on host ${p.host} could not be created or updated.`,
)

export const PortNotUsableAsService = declareFault(
  'ServicePortInUse',
  'conflict',
  (p: { id: string; owner: string }) =>
    `Port ${p.id} cannot be deleted directly via the port API: has device owner ${p.owner}.`,
)
