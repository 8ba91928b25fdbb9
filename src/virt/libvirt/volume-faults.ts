import { declareFault } from '#base'

export const VolumeKeyMissing = declareFault(
  'VolumeEncryptionNotSupported',
  'final',
  (p: { id: string }) => `Volume ${p.id} is encrypted, and this host has no key for it.`,
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
