import { declareFault } from '#base'

/** What is wrong with the disks of a request, in Nova's words; 400 unless said otherwise. */

const mapping = (code: string) =>
  declareFault(code, 'refused', (p: { text: string }) => `Block Device Mapping is Invalid: ${p.text}`)

const InvalidBDMFormat = mapping('InvalidBDMFormat')
export const badFormat = (text: string) => InvalidBDMFormat({ text })

export const TwoSyntaxes = declareFault(
  'TwoSyntaxes',
  'refused',
  () => 'Using different block_device_mapping syntaxes is not allowed in the same request.',
)
export const ImageRefMissing = declareFault('ImageRefMissing', 'refused', () => 'Missing imageRef attribute')
export const SnapshotUnknown = declareFault(
  'InvalidBDMSnapshot',
  'refused',
  (p: { id: string }) => `Block Device Mapping is Invalid: failed to get snapshot ${p.id}.`,
)
export const VolumeUnknown = declareFault(
  'InvalidBDMVolume',
  'refused',
  (p: { id: string }) => `Block Device Mapping is Invalid: failed to get volume ${p.id}.`,
)
export const ImageUnknown = declareFault(
  'InvalidBDMImage',
  'refused',
  (p: { id: string }) => `Block Device Mapping is Invalid: failed to get image ${p.id}.`,
)
export const BootSequence = declareFault(
  'InvalidBDMBootSequence',
  'refused',
  () =>
    'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.',
)
export const TooManyLocal = declareFault(
  'InvalidBDMLocalsLimit',
  'refused',
  () => 'Block Device Mapping is Invalid: You specified more local devices than the limit allows',
)
export const EphemeralTooLarge = declareFault(
  'InvalidBDMEphemeralSize',
  'refused',
  () =>
    'Ephemeral disks requested are larger than the instance type allows. If no size is given in one block device mapping, flavor ephemeral size will be used.',
)
export const SwapTooLarge = declareFault(
  'InvalidBDMSwapSize',
  'refused',
  () => 'Swap drive requested is larger than instance type allows.',
)
export const NotBootable = declareFault(
  'InvalidBDMVolumeNotBootable',
  'refused',
  (p: { id: string }) => `Block Device ${p.id} is not bootable.`,
)
/** Nova has the long text under a misspelt name, so clients see its parent's. */
export const UnknownBus = declareFault('InvalidBDMDiskBus', 'refused', () => 'Block Device Mapping is Invalid.')
export const SizeMissing = declareFault('InvalidBDM', 'refused', (p: { text: string }) => p.text)
export const TypeUnknown = declareFault(
  'VolumeTypeNotFound',
  'refused',
  (p: { id: string }) => `Volume type ${p.id} could not be found.`,
)
export const RootNameTaken = declareFault(
  'InvalidRequest',
  'refused',
  (p: { name: string }) => `The volume cannot be assigned the same device name as the root device ${p.name}`,
)
export const ManyServersOneVolume = declareFault(
  'ManyServersOneVolume',
  'refused',
  () => 'Cannot attach one or more volumes to multiple instances',
)
export const MultiattachTooEarly = declareFault(
  'MultiattachNotSupportedOldMicroversion',
  'refused',
  () => 'Multiattach volumes are only supported starting with compute API version 2.60.',
)
export const ZeroDiskFlavor = declareFault(
  'BootFromVolumeRequiredForZeroDiskFlavor',
  'refused',
  () => 'Only volume-backed servers are allowed for flavors with zero disk.',
  403,
)
export const VolumeTooSmall = declareFault(
  'VolumeSmallerThanMinDisk',
  'refused',
  (p: { volumeBytes: number; minBytes: number }) =>
    `Volume is smaller than the minimum size specified in image metadata. Volume size is ${p.volumeBytes} bytes, minimum size is ${p.minBytes} bytes.`,
)
export const CertificatesWithVolume = declareFault(
  'CertificateValidationFailed',
  'refused',
  () => 'Image certificate validation is not supported when booting from volume',
)

export const ZonesDiffer = declareFault(
  'MismatchVolumeAZException',
  'refused',
  (p: { reason: string }) =>
    `The availability zone between the server and its attached volumes do not match: ${p.reason}.`,
)

/** For the operations that make servers: every code above with its status. */
export const deviceFaults = {
  ...Object.fromEntries(
    [
      InvalidBDMFormat,
      TwoSyntaxes,
      ImageRefMissing,
      SnapshotUnknown,
      VolumeUnknown,
      ImageUnknown,
      BootSequence,
      TooManyLocal,
      EphemeralTooLarge,
      SwapTooLarge,
      NotBootable,
      UnknownBus,
      SizeMissing,
      TypeUnknown,
      RootNameTaken,
      ManyServersOneVolume,
      MultiattachTooEarly,
      ZeroDiskFlavor,
      VolumeTooSmall,
      CertificatesWithVolume,
      ZonesDiffer,
    ].map(fault => [fault.code, fault.status]),
  ),
  VolumeNotFound: 400,
  InvalidVolume: 400,
  InvalidInput: 400,
} as const
