import { declareFault } from '#base'

export const GuestToolMissing = declareFault(
  'GuestToolMissing',
  'refused',
  (p: { files: string[]; packages: string[] }) =>
    `The guest image cannot be built: ${p.files.join(', ')} not found. Install with: apt-get install ${p.packages.join(' ')}`,
)

export const GuestHostUnsupported = declareFault(
  'GuestHostUnsupported',
  'refused',
  (p: { reason: string }) => `The guest image cannot be built on this machine: ${p.reason}.`,
)

export const GuestDiskFull = declareFault(
  'GuestDiskFull',
  'transient',
  (p: { folder: string }) => `The guest image cannot be built: no space left on the disk of ${p.folder}.`,
)

export const GuestKernelCompileFailed = declareFault(
  'GuestKernelCompileFailed',
  'final',
  (p: { exitCode: number | string }) =>
    `The kernel of the guest image does not compile (make ended with ${p.exitCode}).`,
)

export const GuestKernelUnavailable = declareFault(
  'GuestKernelUnavailable',
  'transient',
  (p: { package: string }) =>
    `The kernel of the guest image cannot be fetched: apt gives no package ${p.package}. Try: apt-get update`,
)

export const GuestBuildToolFailed = declareFault(
  'GuestBuildToolFailed',
  'final',
  (p: { tool: string; exitCode: number | string }) =>
    `The guest image cannot be built: ${p.tool} ended with ${p.exitCode}.`,
)

export const GuestBuildCancelled = declareFault<Record<string, never>>(
  'GuestBuildCancelled',
  'refused',
  () => 'The build of the guest image was cancelled.',
)
