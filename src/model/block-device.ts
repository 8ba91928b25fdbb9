import type { Flavor } from './flavor.ts'
import type { InstanceImage } from './instance.ts'

export type DeviceSource = 'image' | 'volume' | 'snapshot' | 'blank'
export type DeviceDestination = 'local' | 'volume'

/** What a disk of a server is, before it has a row: as asked for, as an image or a flavor defines it. */
export interface DeviceDefinition {
  readonly source: DeviceSource
  /** Where its bytes lie; null in old-style records of images only. */
  readonly destination: DeviceDestination | null
  readonly imageId: string | null
  /** The user's volume, or the one made for this device. */
  readonly volumeId: string | null
  readonly snapshotId: string | null
  /** 0 = root, above = further boot devices, below or null = never booted from. */
  readonly bootIndex: number | null
  /** With `/dev/`; null until somebody chooses one. */
  readonly deviceName: string | null
  readonly diskBus: string | null
  /** `disk`, `cdrom`, … */
  readonly deviceType: string | null
  /** `swap`, or the file system of an ephemeral disk. */
  readonly guestFormat: string | null
  /** GiB; MiB for swap, as Nova has it. */
  readonly size: number | null
  readonly volumeType: string | null
  readonly deleteOnTermination: boolean
  readonly tag: string | null
  /** Of a local disk that lies encrypted on its host; absent: it does not. */
  readonly encryption?: DeviceEncryption
}

export interface DeviceEncryption {
  /** `luks`; null: whatever is usual, until it is made. */
  readonly format: string | null
  /** The passphrase, in the key manager; null until it is made. */
  readonly secretId: string | null
  /** Null: the usual cipher. */
  readonly options: DeviceEncryptionOptions | null
}

export interface DeviceEncryptionOptions {
  /** `aes-xts-plain64` */
  readonly cipher: string
  readonly keyBits: number
}

/** One disk of a server: a row of `block_device_mappings`. */
export interface BlockDevice extends DeviceDefinition {
  readonly id: string
  readonly instanceId: string
  /** Cinder's attachment: it holds the volume for this server. */
  readonly attachmentId: string | null
  /** How the host reaches the volume; as Cinder told it. */
  readonly connectionInfo: Readonly<Record<string, unknown>> | null
  readonly createdAtMs: number
}

export const isRootDevice = (device: DeviceDefinition): boolean => device.bootIndex === 0
export const isVolume = (device: DeviceDefinition): boolean => device.destination === 'volume'
/** Its bytes lie on the host of the server. */
export const isLocal = (device: DeviceDefinition): boolean => !isVolume(device)
export const isSwap = (device: DeviceDefinition): boolean =>
  device.source === 'blank' && device.destination === 'local' && device.guestFormat === 'swap'
export const isEphemeral = (device: DeviceDefinition): boolean =>
  device.source === 'blank' && device.destination === 'local' && device.guestFormat !== 'swap'

export const rootDevice = <D extends DeviceDefinition>(devices: readonly D[]): D | undefined =>
  devices.find(isRootDevice)

/** Whether the server has its root disk on a volume: snapshots, rebuild, rescue, resize and disk claims differ then. */
export function isVolumeBacked(devices: readonly DeviceDefinition[]): boolean {
  const root = rootDevice(devices)
  return root !== undefined && isVolume(root)
}

const nothing: DeviceDefinition = {
  source: 'blank',
  destination: null,
  imageId: null,
  volumeId: null,
  snapshotId: null,
  bootIndex: null,
  deviceName: null,
  diskBus: null,
  deviceType: null,
  guestFormat: null,
  size: null,
  volumeType: null,
  deleteOnTermination: false,
  tag: null,
}

export const device = (what: Partial<DeviceDefinition> & Pick<DeviceDefinition, 'source'>): DeviceDefinition => ({
  ...nothing,
  ...what,
})

/** The root disk of a server that boots from an image. */
export const imageDevice = (imageId: string): DeviceDefinition =>
  device({
    source: 'image',
    destination: 'local',
    imageId,
    bootIndex: 0,
    deviceType: 'disk',
    deleteOnTermination: true,
  })

export const blankDevice = (size: number, guestFormat: string | null = null): DeviceDefinition =>
  device({
    source: 'blank',
    destination: 'local',
    deviceType: 'disk',
    bootIndex: -1,
    guestFormat,
    size,
    deleteOnTermination: true,
  })

/** The ephemeral disk and the swap of the flavor, unless the request has brought its own. */
export function flavorDevices(flavor: Flavor, asked: readonly DeviceDefinition[]): readonly DeviceDefinition[] {
  return [
    ...(flavor.ephemeralGiB > 0 && !asked.some(isEphemeral) ? [blankDevice(flavor.ephemeralGiB)] : []),
    ...(flavor.swapMiB > 0 && !asked.some(isSwap) ? [blankDevice(flavor.swapMiB, 'swap')] : []),
  ]
}

/** Keys of a server's system metadata that hold the properties of what it boots from, as Nova names them. */
const imageKey = 'image_'

/**
 * What a server that boots from a volume knows of the image behind the volume. It has no image of its own, so that is kept
 * with its system metadata.
 */
export function volumeImage(systemMetadata: Readonly<Record<string, string>>): InstanceImage {
  const kept = Object.entries(systemMetadata).flatMap(([key, value]) =>
    key.startsWith(imageKey) ? [[key.slice(imageKey.length), value] as const] : [],
  )
  const { min_disk, min_ram, ...properties } = Object.fromEntries(kept)
  return {
    id: '',
    name: null,
    diskFormat: 'raw',
    containerFormat: 'bare',
    sizeBytes: 0,
    checksum: null,
    hashAlgorithm: null,
    hashValue: null,
    minDiskGiB: Number(min_disk ?? 0),
    minRamMiB: Number(min_ram ?? 0),
    properties,
  }
}

/** The other way round: what goes into the system metadata of a new server. */
export const keptOfVolume = (image: InstanceImage): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(Object.entries(image.properties).map(([name, value]) => [imageKey + name, value])),
  [`${imageKey}min_disk`]: String(image.minDiskGiB),
  [`${imageKey}min_ram`]: String(image.minRamMiB),
})

/** Without it: the volume has another content now. */
export const withoutVolumeImage = (
  systemMetadata: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(systemMetadata).filter(([key]) => !key.startsWith(imageKey)))
