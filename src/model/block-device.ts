import type { Flavor } from './flavor.ts'

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
