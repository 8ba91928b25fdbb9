import { declareFault } from '#base'

/** Why a volume cannot come, go or change, in Nova's words. */

export const NotAttached = declareFault(
  'VolumeNotAttached',
  'missing',
  (p: { id: string; volumeId: string }) => `Instance ${p.id} is not attached to volume ${p.volumeId}`,
)
export const MappingNotFound = declareFault(
  'VolumeBDMNotFound',
  'missing',
  (p: { volumeId: string }) => `No volume Block Device Mapping with id ${p.volumeId}.`,
)
/** The volume of a body is no part of the address: 400, not 404. */
export const NewVolumeUnknown = declareFault(
  'NewVolumeNotFound',
  'refused',
  (p: { id: string }) => `Volume ${p.id} could not be found.`,
)
export const DevicePathInUse = declareFault(
  'DevicePathInUse',
  'conflict',
  (p: { path: string }) => `The supplied device path (${p.path}) is in use.`,
)
export const DevicePathInvalid = declareFault(
  'InvalidDevicePath',
  'refused',
  (p: { path: string }) => `The supplied device path (${p.path}) is invalid.`,
)
export const TooManyDisks = declareFault(
  'TooManyDiskDevices',
  'refused',
  (p: { maximum: number }) =>
    `The maximum allowed number of disk devices (${p.maximum}) to attach to a single instance has been exceeded.`,
  403,
)
export const MultiattachTooEarly = declareFault(
  'MultiattachNotSupportedOldMicroversion',
  'refused',
  () => 'Multiattach volumes are only supported starting with compute API version 2.60.',
)
export const MultiattachToShelved = declareFault(
  'MultiattachToShelvedNotSupported',
  'refused',
  () => 'Attaching multiattach volumes is not supported for shelved-offloaded instances.',
)
export const TagToShelved = declareFault(
  'VolumeTaggedAttachToShelvedNotSupported',
  'refused',
  () => 'Tagged volume attachment is not supported for shelved-offloaded instances.',
)
export const RootStays = declareFault('RootDeviceStays', 'refused', () => 'Cannot detach a root device volume')
export const NotMutable = declareFault(
  'PropertyNotMutable',
  'refused',
  (p: { name: string }) => `The ${p.name} property is not mutable`,
)
export const ManyWriters = declareFault(
  'MultiattachSwapVolumeNotSupported',
  'refused',
  () => 'Swapping multi-attach volumes with more than one read/write attachment is not supported.',
)
export const HostDown = declareFault('ServiceUnavailable', 'conflict', () => 'Service is unavailable at this time.')
