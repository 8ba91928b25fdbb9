import { declareFault } from '#base'

/** The source's nova-compute is down; its name is none of the user's business. */
export const ServiceDown = declareFault('ServiceUnavailable', 'conflict', () => 'Service is unavailable at this time.')
export const SameFlavor = declareFault(
  'CannotResizeToSameFlavor',
  'refused',
  () => 'When resizing, instances must change flavor!',
)
export const CannotResizeDisk = declareFault(
  'CannotResizeDisk',
  'refused',
  (p: { reason: string }) => `Server disk was unable to be resized because: ${p.reason}`,
)
export const DiskConfigFixed = declareFault(
  'AutoDiskConfigDisabledByImage',
  'refused',
  (p: { image: string }) => `Requested image ${p.image} has automatic disk resize disabled.`,
)
export const FlavorUnusable = declareFault(
  'FlavorNotFound',
  'refused',
  (p: { id: string }) => `Flavor ${p.id} could not be found.`,
)
export const AcceleratorsForbidden = declareFault(
  'ForbiddenWithAccelerators',
  'refused',
  () => 'Feature not supported with instances that have accelerators.',
  403,
)
export const SameHost = declareFault(
  'CannotMigrateToSameHost',
  'refused',
  () => 'Cannot migrate to the host where the server exists.',
)
export const HostUnknown = declareFault(
  'ComputeHostNotFound',
  'refused',
  (p: { host: string }) => `Compute host ${p.host} could not be found.`,
)
export const NotResized = declareFault('NotResized', 'refused', () => 'Instance has not been resized.')
export const ForcedNowhere = declareFault('ForcedNowhere', 'refused', () => "Can't force to a non-provided destination")
/** What the checks of a live migration found, for clients that wait for them. */
export const LiveMigrationRefused = declareFault(
  'LiveMigrationRefused',
  'refused',
  (p: { message: string }) => p.message,
)
export const EvacuationHostNotFound = declareFault(
  'EvacuationHostNotFound',
  'missing',
  (p: { host: string }) => `Compute host ${p.host} not found.`,
)
export const EvacuationSameHost = declareFault(
  'EvacuationSameHost',
  'refused',
  () => "The target host can't be the same one.",
)
export const HostInUse = declareFault(
  'ComputeServiceInUse',
  'refused',
  (p: { host: string }) => `Compute service of ${p.host} is still in use.`,
)
export const PasswordOnExistingDisk = declareFault(
  'PasswordOnExistingDisk',
  'refused',
  () => "admin password can't be changed on existing disk",
)
