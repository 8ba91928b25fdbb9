import { declareFault } from '#base'

export const VolumeEncryptionNotSupported = declareFault(
  'VolumeEncryptionNotSupported',
  'final',
  (p: { id: string; reason: string }) => `Volume ${p.id} is encrypted, and this host cannot open it: ${p.reason}`,
)
export const DeviceDetachFailed = declareFault(
  'DeviceDetachFailed',
  'final',
  (p: { device: string; reason: string }) => `Device detach failed for ${p.device}: ${p.reason}`,
)
/** The copy of one volume to another has ended before both were alike. */
export const VolumeRebaseFailed = declareFault(
  'VolumeRebaseFailed',
  'final',
  (p: { reason: string }) => `Volume rebase failed: ${p.reason}`,
)
