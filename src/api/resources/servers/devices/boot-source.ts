import { Fault } from '#base'
import { type Caller, CinderConnectionFailed, instanceImageOf, type Volume } from '#cloud'
import { type DeviceDefinition, type InstanceImage, isRootDevice, volumeImage } from '#model'
import type { ApiDeps } from '../../../deps.ts'
import { ImageUnknown, NotBootable, SnapshotUnknown, VolumeUnknown } from './faults.ts'
import type { AskedDevices } from './mapping.ts'

const nothing = volumeImage({})

/** Whatever the volume service says, it comes down to this; only when it does not answer at all, that is told. */
export function unlessUnreachable(make: () => Error): (error: unknown) => never {
  return error => {
    if (CinderConnectionFailed.is(error) || !(error instanceof Fault)) throw error
    const fault = make()
    fault.cause = error
    throw fault
  }
}

/** What Cinder keeps of an image beside its properties. */
const notProperties = new Set([
  'image_id',
  'image_name',
  'size',
  'checksum',
  'container_format',
  'disk_format',
  'min_ram',
  'min_disk',
])

/** The image behind a volume: its properties, and the volume's own size. */
export function imageOfVolume(volume: Volume): InstanceImage {
  const { imageMetadata: kept } = volume
  return {
    ...nothing,
    minDiskGiB: Number(kept['min_disk'] ?? 0),
    minRamMiB: Number(kept['min_ram'] ?? 0),
    properties: Object.fromEntries(Object.entries(kept).filter(([name]) => !notProperties.has(name))),
  }
}

/** In the old syntax the root is the one whose name ends in `a`. */
const isRootOf =
  ({ isOld }: AskedDevices) =>
  (device: DeviceDefinition): boolean =>
    isOld ? /^\/dev\/(x?v|s|h)?da\d*$/.test(device.deviceName ?? '') : isRootDevice(device)

/** What a server without an image of its own boots from. */
export async function bootImageOf(deps: ApiDeps, caller: Caller, asked: AskedDevices): Promise<InstanceImage> {
  const definitions = asked.devices.flatMap(d => (d.definition === undefined ? [] : [d.definition]))
  const root = definitions.find(isRootOf(asked))
  if (root === undefined) return nothing
  const { imageId, snapshotId } = root
  if (imageId !== null) {
    const image = await deps.images.get(caller, imageId).catch(unlessUnreachable(() => ImageUnknown({ id: imageId })))
    return instanceImageOf(image)
  }
  const volumeId = snapshotId === null ? root.volumeId : await volumeOfSnapshot(deps, caller, snapshotId)
  if (volumeId === null) return nothing
  const volume = await deps.volumes
    .get(caller, volumeId)
    .catch(unlessUnreachable(() => VolumeUnknown({ id: volumeId })))
  if (!volume.isBootable) throw NotBootable({ id: volumeId })
  return imageOfVolume(volume)
}

/** A snapshot shows nothing of the image; the volume it was taken of does. */
async function volumeOfSnapshot(deps: ApiDeps, caller: Caller, id: string): Promise<string> {
  const snapshot = await deps.volumes.getSnapshot(caller, id).catch(unlessUnreachable(() => SnapshotUnknown({ id })))
  return snapshot.volumeId
}
