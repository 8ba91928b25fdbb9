import { declareFault } from '#base'

/** Faults of the domain, in Nova's words. A resource of the API lists which of them it may answer, with the status. */
export const InstanceNotFound = declareFault(
  'InstanceNotFound',
  'missing',
  (p: { id: string }) => `Instance ${p.id} could not be found.`,
)
export const InstanceIsLocked = declareFault(
  'InstanceIsLocked',
  'conflict',
  (p: { id: string }) => `Instance ${p.id} is locked`,
)
export const InstanceInvalidState = declareFault(
  'InstanceInvalidState',
  'conflict',
  (p: { action: string; id: string; attr: string; state: string | null }) =>
    p.attr === 'launched_at'
      ? `Instance ${p.id} is in an invalid state for '${p.action}'`
      : `Cannot '${p.action}' instance ${p.id} while it is in ${p.attr} ${p.state ?? 'None'}`,
)
export const InstanceNotReady = declareFault(
  'InstanceNotReady',
  'conflict',
  (p: { id: string }) => `Instance ${p.id} is not ready`,
)
export const FlavorNotFound = declareFault(
  'FlavorNotFound',
  'missing',
  (p: { id: string }) => `Flavor ${p.id} could not be found.`,
)
export const FlavorExists = declareFault(
  'FlavorExists',
  'conflict',
  (p: { name: string }) => `Flavor with name ${p.name} already exists.`,
)
export const FlavorIdExists = declareFault(
  'FlavorIdExists',
  'conflict',
  (p: { id: string }) => `Flavor with ID ${p.id} already exists.`,
)
export const KeypairNotFound = declareFault(
  'KeypairNotFound',
  'missing',
  (p: { name: string; userId: string }) => `Keypair ${p.name} not found for user ${p.userId}`,
)
export const KeypairExists = declareFault(
  'KeyPairExists',
  'conflict',
  (p: { name: string }) => `Key pair '${p.name}' already exists.`,
)
/** A host has not, or not any more, what a claim names. */
export const ComputeResourcesUnavailable = declareFault(
  'ComputeResourcesUnavailable',
  'conflict',
  (p: { reason: string }) => `Insufficient compute resources: ${p.reason}.`,
)
export const ComputeHostNotFound = declareFault(
  'ComputeHostNotFound',
  'missing',
  (p: { host: string }) => `Compute host ${p.host} could not be found.`,
)
export const ServiceNotFound = declareFault(
  'ServiceNotFound',
  'missing',
  (p: { id: string }) => `Service ${p.id} could not be found.`,
)
export const NoValidHost = declareFault(
  'NoValidHost',
  'refused',
  (p: { reason: string }) => `No valid host was found. ${p.reason}`,
  500,
)
export const InstanceNotRescuable = declareFault(
  'InstanceNotRescuable',
  'refused',
  (p: { id: string; reason: string }) => `Instance ${p.id} cannot be rescued: ${p.reason}`,
)
export const PasswordSetFailed = declareFault(
  'InstancePasswordSetFailed',
  'conflict',
  (p: { id: string; reason: string }) => `Failed to set admin password on ${p.id} because ${p.reason}`,
)
/** Below 2.93 a root disk on a volume keeps its content. */
export const VolumeImageFixed = declareFault(
  'ImageUnacceptable',
  'refused',
  (p: { id: string }) =>
    `Image ${p.id} is unacceptable: Unable to rebuild with a different image for a volume-backed server.`,
)
export const ServerGroupNotFound = declareFault(
  'InstanceGroupNotFound',
  'missing',
  (p: { id: string }) => `Instance group ${p.id} could not be found.`,
)
/** Another server of the group was faster; the next host or the next look at the group may do. */
export const GroupPolicyViolated = declareFault(
  'GroupAffinityViolation',
  'conflict',
  (p: { policy: string }) => `${p.policy} instance group policy was violated`,
  500,
)
export const MaxRetriesExceeded = declareFault(
  'MaxRetriesExceeded',
  'final',
  (p: { id: string; reason: string }) =>
    `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${p.id}. ${p.reason}`,
)
/** Another change won the compare-and-set; the caller reads again and decides. */
export const InstanceChanged = declareFault(
  'UnexpectedTaskStateError',
  'conflict',
  (p: { id: string }) => `Instance ${p.id} was changed by another request.`,
)
/** The host's nova-compute does not answer now. */
export const HostUnavailable = declareFault(
  'HostUnavailable',
  'transient',
  (p: { host: string }) => `Compute service of ${p.host} is unavailable at this time.`,
)
export const MigrationNotFoundForInstance = declareFault(
  'MigrationNotFoundForInstance',
  'missing',
  (p: { id: string; instanceId: string }) => `Migration ${p.id} not found for instance ${p.instanceId}`,
)
export const InvalidMigrationState = declareFault(
  'InvalidMigrationState',
  'refused',
  (p: { id: string; instanceId: string; state: string; method: string }) =>
    `Migration ${p.id} state of instance ${p.instanceId} is ${p.state}. Cannot ${p.method} while the migration is in this state.`,
)
/** A host cannot take the guest, or give it away; another one may. */
export const MigrationPreCheckError = declareFault(
  'MigrationPreCheckError',
  'final',
  (p: { reason: string }) => `Migration pre-check error: ${p.reason}`,
)

/** Only ports that are there before their server can be promised something. */
export const NetworkWithQosPolicy = declareFault(
  'NetworksWithQoSPolicyNotSupported',
  'refused',
  (p: { id: string; networkId: string }) =>
    `Using networks with QoS policy is not supported for instance ${p.id}. (Network ID is ${p.networkId})`,
)
export const InterfaceAttachPciClaimFailed = declareFault(
  'InterfaceAttachPciClaimFailed',
  'refused',
  (p: { id: string }) => `Failed to claim PCI device for ${p.id} during interface attach`,
)
export const InterfaceAttachResourceAllocationFailed = declareFault(
  'InterfaceAttachResourceAllocationFailed',
  'refused',
  (p: { id: string }) => `Failed to allocate additional resources to ${p.id} during interface attach`,
)

/** It keeps one (`[instance_ha] self_fence`), and the next heartbeat may be granted. */
export const HostHasNoLease = declareFault(
  'HostHasNoLease',
  'transient',
  (p: { host: string }) => `Host ${p.host} may not start guests: no conductor has granted it a lease.`,
)
