import { GiB } from '#base'
import { type Caller, InvalidVolume, type Volume, type VolumeType } from '#cloud'
import {
  type DeviceDefinition,
  type Flavor,
  type InstanceImage,
  isEphemeral,
  isSwap,
  isVolume,
  rootDevice,
} from '#model'
import type { ApiDeps } from '../../../deps.ts'
import { unlessUnreachable } from './boot-source.ts'
import {
  BootSequence,
  badFormat,
  EphemeralTooLarge,
  ImageUnknown,
  MultiattachTooEarly,
  SizeMissing,
  SnapshotUnknown,
  SwapTooLarge,
  TooManyLocal,
  TypeUnknown,
  UnknownBus,
  VolumeTooSmall,
} from './faults.ts'

export interface Checking {
  readonly caller: Caller
  readonly flavor: Flavor
  /** The image of imageRef, known to exist. */
  readonly imageId: string | null
  /** 2.60. */
  readonly takesMultiattach: boolean
}

const buses = new Set(['fdc', 'ide', 'sata', 'scsi', 'usb', 'virtio', 'xen', 'lxc', 'uml'])

/** Boot devices are numbered from 0 without a gap, and there is at least one. */
function mustBoot(devices: readonly DeviceDefinition[]): void {
  const indexes = devices.flatMap(d => (d.bootIndex !== null && d.bootIndex >= 0 ? [d.bootIndex] : []))
  const isInOrder = indexes.toSorted((a, b) => a - b).every((index, i) => index === i)
  if (indexes.length === 0 || !isInOrder) throw BootSequence({})
}

/** Sizes that the flavor limits. */
function mustFitFlavor(devices: readonly DeviceDefinition[], flavor: Flavor, maxLocal: number): void {
  const ephemerals = devices.filter(isEphemeral).map(d => d.size ?? flavor.ephemeralGiB)
  if (ephemerals.reduce((sum, size) => sum + size, 0) > flavor.ephemeralGiB) throw EphemeralTooLarge({})
  const swaps = devices.filter(isSwap)
  if (swaps.length > 1) throw badFormat('More than one swap drive requested.')
  if ((swaps[0]?.size ?? 0) > flavor.swapMiB) throw SwapTooLarge({})
  if (maxLocal >= 0 && devices.filter(d => d.destination === 'local').length > maxLocal) throw TooManyLocal({})
}

function mustBeFree(volume: Volume, takesMultiattach: boolean): void {
  if (volume.isMultiattach && !takesMultiattach) throw MultiattachTooEarly({})
  const usable = volume.isMultiattach ? ['available', 'in-use', 'downloading'] : ['available', 'downloading']
  if (usable.includes(volume.status)) return
  const status = `${usable.slice(0, -1).join(', ')} or ${usable.at(-1)}`
  const reason = `Invalid volume: Volume ${volume.id} status must be ${status} to reserve, but the current status is ${volume.status}. (HTTP 400)`
  throw InvalidVolume({ reason: `Invalid input received: ${reason}` })
}

class Checks {
  readonly #deps: ApiDeps
  readonly #at: Checking
  readonly #volumes: ReadonlyMap<string, Volume>
  readonly #images = new Set<string>()
  #types: readonly VolumeType[] | undefined

  constructor(deps: ApiDeps, at: Checking, volumes: ReadonlyMap<string, Volume>) {
    this.#deps = deps
    this.#at = at
    this.#volumes = volumes
  }

  /** The device with what is known of it now: name of its type, size of its volume. */
  async complete(device: DeviceDefinition): Promise<DeviceDefinition> {
    const typed =
      device.volumeType === null ? device : { ...device, volumeType: await this.#typeName(device.volumeType) }
    const known = await this.#withSource(typed)
    if (known.diskBus !== null && !buses.has(known.diskBus)) throw UnknownBus({})
    return known
  }

  async #typeName(wanted: string): Promise<string> {
    this.#types ??= await this.#deps.volumes.listTypes(this.#at.caller)
    const type = this.#types.find(t => t.id === wanted || t.name === wanted)
    if (type === undefined) throw TypeUnknown({ id: wanted })
    return type.name
  }

  async #withSource(device: DeviceDefinition): Promise<DeviceDefinition> {
    const { imageId, volumeId, snapshotId } = device
    if (imageId !== null) {
      await this.#mustHaveImage(imageId)
      if (device.source === 'image' && isVolume(device) && !device.size)
        throw SizeMissing({ text: "Images with destination_type 'volume' need to have a non-zero size specified" })
      return device
    }
    if (volumeId !== null) {
      const volume = this.#volumes.get(volumeId)
      if (volume === undefined) return device
      mustBeFree(volume, this.#at.takesMultiattach)
      return { ...device, size: volume.sizeGiB }
    }
    if (snapshotId !== null) {
      const { caller } = this.#at
      const unknown = unlessUnreachable(() => SnapshotUnknown({ id: snapshotId }))
      const snapshot = await this.#deps.volumes.getSnapshot(caller, snapshotId).catch(unknown)
      return { ...device, size: device.size || snapshot.sizeGiB }
    }
    if (device.source === 'blank' && isVolume(device) && !device.size)
      throw SizeMissing({ text: "Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size" })
    return device
  }

  async #mustHaveImage(id: string): Promise<void> {
    if (id === this.#at.imageId || this.#images.has(id)) return
    await this.#deps.images.get(this.#at.caller, id).catch(unlessUnreachable(() => ImageUnknown({ id })))
    this.#images.add(id)
  }
}

const flavorSize = (device: DeviceDefinition, flavor: Flavor): number | null => {
  if (isSwap(device)) return flavor.swapMiB
  return isEphemeral(device) ? flavor.ephemeralGiB : null
}

export interface CheckedDevices {
  readonly devices: readonly DeviceDefinition[]
  readonly exclusiveVolumeIds: readonly string[]
  readonly volumeZones: readonly string[]
}

/** Every disk checked against what there is and what the flavor allows; completed with sizes and names of types. */
export async function checkedDevices(
  deps: ApiDeps,
  devices: readonly DeviceDefinition[],
  at: Checking,
): Promise<CheckedDevices> {
  const volumes = new Map<string, Volume>()
  for (const { volumeId } of devices)
    if (volumeId !== null && !volumes.has(volumeId)) volumes.set(volumeId, await deps.volumes.get(at.caller, volumeId))
  mustBoot(devices)
  const checks = new Checks(deps, at, volumes)
  const complete: DeviceDefinition[] = []
  for (const device of devices) complete.push(await checks.complete(device))
  mustFitFlavor(complete, at.flavor, deps.settings.maxLocalDevices)
  return {
    devices: complete.map(device => ({ ...device, size: device.size ?? flavorSize(device, at.flavor) })),
    exclusiveVolumeIds: [...volumes.values()].filter(volume => !volume.isMultiattach).map(volume => volume.id),
    volumeZones: [...volumes.values()].map(volume => volume.availabilityZone),
  }
}

/** A volume that is still to be made must hold what the image demands; one that exists was checked when it was made. */
export function mustHoldImage(devices: readonly DeviceDefinition[], image: InstanceImage): void {
  const root = rootDevice(devices)
  if (root === undefined || !isVolume(root) || root.size === null) return
  const [volumeBytes, minBytes] = [root.size * GiB, image.minDiskGiB * GiB]
  if (minBytes > volumeBytes) throw VolumeTooSmall({ volumeBytes, minBytes })
}
