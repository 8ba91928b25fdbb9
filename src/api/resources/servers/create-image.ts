import { GiB, isUuidLike } from '#base'
import type { Caller, Image } from '#cloud'
import { ImageNotFound } from '#cloud'
import type { Flavor, InstanceImage } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { BadServerRequest } from './create-faults.ts'

const instanceImage = (image: Image): InstanceImage => ({
  id: image.id,
  name: image.name,
  diskFormat: image.diskFormat ?? 'raw',
  containerFormat: image.containerFormat ?? 'bare',
  sizeBytes: image.sizeBytes ?? 0,
  checksum: image.checksum,
  hashAlgorithm: image.hashAlgorithm,
  hashValue: image.hashValue,
  minDiskGiB: image.minDiskGiB,
  minRamMiB: image.minRamMiB,
  properties: image.properties,
})

/** The image asked for, if the caller may use it and it fits the flavor. */
export async function imageFor(
  deps: ApiDeps,
  caller: Caller,
  imageRef: string | undefined,
  flavor: Flavor,
): Promise<InstanceImage> {
  if (imageRef === undefined || imageRef === '') throw BadServerRequest({ text: 'Missing imageRef attribute' })
  if (!isUuidLike(imageRef)) throw BadServerRequest({ text: 'Invalid imageRef provided.' })
  const image = await deps.images.get(caller, imageRef).catch(error => {
    if (ImageNotFound.is(error)) throw BadServerRequest({ text: 'Can not find requested image' }, { cause: error })
    throw error
  })
  if (image.status !== 'active') throw BadServerRequest({ text: `Image ${image.id} is not active.` })
  mustFit(image, flavor)
  return instanceImage(image)
}

function mustFit(image: Image, flavor: Flavor): void {
  if (image.minRamMiB > flavor.memoryMiB)
    throw BadServerRequest({ text: "Flavor's memory is too small for requested image." })
  // A root disk of 0 grows to the image's own size.
  if (flavor.rootGiB === 0) return
  const flavorBytes = flavor.rootGiB * GiB
  if ((image.sizeBytes ?? 0) > flavorBytes) {
    throw BadServerRequest({
      text: `Flavor's disk is too small for requested image. Flavor disk is ${flavorBytes} bytes, image is ${image.sizeBytes} bytes.`,
    })
  }
  if (image.minDiskGiB > flavor.rootGiB) {
    throw BadServerRequest({
      text: `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavorBytes} bytes, minimum size is ${image.minDiskGiB * GiB} bytes.`,
    })
  }
}

interface Device {
  readonly source_type?: string
  readonly destination_type?: string
  readonly uuid?: string
  readonly volume_id?: string
  readonly snapshot_id?: string
  readonly boot_index?: number | null
  readonly no_device?: unknown
}

/**
 * Devices besides the image: the one that says what the image says already is fine. Volumes need a volume service, and
 * there is none in this cloud yet, so every volume is one that cannot be found.
 */
export function checkDevices(devices: readonly Device[], imageRef: string | undefined): void {
  for (const device of devices) {
    const volume = device.volume_id ?? (device.source_type === 'volume' ? device.uuid : undefined)
    if (volume !== undefined)
      throw BadServerRequest({ text: `Block Device Mapping is Invalid: failed to get volume ${volume}.` })
    const snapshot = device.snapshot_id ?? (device.source_type === 'snapshot' ? device.uuid : undefined)
    if (snapshot !== undefined)
      throw BadServerRequest({ text: `Block Device Mapping is Invalid: failed to get snapshot ${snapshot}.` })
    const isRootImage =
      device.source_type === 'image' &&
      device.destination_type !== 'volume' &&
      device.boot_index === 0 &&
      device.uuid === imageRef
    if (!isRootImage) {
      throw BadServerRequest({
        text: 'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.',
      })
    }
  }
}
