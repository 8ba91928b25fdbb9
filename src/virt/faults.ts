import { declareFault } from '#base'

/** The image's bits are not what the image record says, or could harm the host. */
export const ImageRefused = declareFault(
  'ImageUnacceptable',
  'final',
  (p: { id: string; reason: string }) => `Image ${p.id} is unacceptable: ${p.reason}`,
  400,
)
export const FlavorDiskTooSmall = declareFault(
  'FlavorDiskSmallerThanImage',
  'final',
  (p: { flavorBytes: number; imageBytes: number }) =>
    `Flavor's disk is too small for requested image. Flavor disk is ${p.flavorBytes} bytes, image is ${p.imageBytes} bytes.`,
  400,
)
export const DiskFull = declareFault(
  'DiskFull',
  'final',
  (p: { path: string; neededBytes: number }) =>
    `No space left on the device of ${p.path}: ${p.neededBytes} bytes needed.`,
)
/** The hypervisor cannot be reached now: daemon down, socket gone, connection lost. */
export const HypervisorUnavailable = declareFault(
  'HypervisorUnavailable',
  'transient',
  (p: { reason: string }) => `Connection to the hypervisor is broken on host: ${p.reason}`,
)
/** The hypervisor answered with an error; its own words are kept. */
export const HypervisorError = declareFault(
  'HypervisorError',
  'final',
  (p: { operation: string; reason: string }) => `${p.operation} failed: ${p.reason}`,
)
export const GuestNotFound = declareFault(
  'InstanceNotFound',
  'missing',
  (p: { id: string }) => `Instance ${p.id} could not be found.`,
)
export const GuestInWrongState = declareFault(
  'InstanceInvalidState',
  'conflict',
  (p: { id: string; operation: string; state: string }) =>
    `Cannot ${p.operation} instance ${p.id} while the guest is ${p.state}.`,
)
/** Programs of the hypervisor are missing on this machine. */
export const HypervisorNotInstalled = declareFault(
  'HypervisorNotInstalled',
  'final',
  (p: { programs: string; packages: string }) =>
    `The hypervisor is not installed (missing: ${p.programs}). Install it: apt-get install --no-install-recommends ${p.packages}`,
)
/** The guest does not fit the flavor: disks never shrink. */
export const ResizeRefused = declareFault(
  'ResizeError',
  'final',
  (p: { reason: string }) => `Instance rollback performed due to: Resize error: ${p.reason}`,
)
/** The copy was told to stop, and the guest runs where it did. */
export const LiveMigrationAborted = declareFault(
  'LiveMigrationAborted',
  'final',
  (p: { id: string }) => `Live migration of instance ${p.id} was aborted.`,
)
/** It ran at the target, and the rest of its memory did not come any more. */
export const PostCopyFailed = declareFault(
  'PostCopyFailed',
  'final',
  (p: { id: string; host: string }) =>
    `Instance ${p.id} was lost on its way to ${p.host}: it ran there already, and the rest of its memory did not follow. It is off, with the disk that it has.`,
)
/** There is nobody inside the guest who would do it. */
export const AgentNotEnabled = declareFault(
  'InstanceAgentNotEnabled',
  'final',
  () => 'Guest agent is not enabled for the instance',
  409,
)
/** It should be there, and does not answer. Nova calls that unsupported. */
export const AgentUnresponsive = declareFault(
  'NotImplemented',
  'final',
  () => 'Unable to set password on instance',
  501,
)
export const GuestNotRunning = declareFault(
  'InstanceNotRunning',
  'final',
  (p: { id: string }) => `Instance ${p.id} is not running.`,
  400,
)
/** The host cannot reach the files of a share. */
export const ShareMountError = declareFault(
  'ShareMountError',
  'final',
  (p: { shareId: string; id: string; reason: string }) =>
    `Share id ${p.shareId} mount error from server ${p.id}.\nReason: ${p.reason}.`,
)
export const ShareUmountError = declareFault(
  'ShareUmountError',
  'final',
  (p: { shareId: string; id: string; reason: string }) =>
    `Share id ${p.shareId} umount error from server ${p.id}.\nReason: ${p.reason}.`,
)
/** The network's agent has not wired an interface of the guest in time. */
export const InterfaceNotPlugged = declareFault(
  'VirtualInterfaceCreateException',
  'final',
  (_params: { id: string; ports: string }) => 'Virtual Interface creation failed',
)
