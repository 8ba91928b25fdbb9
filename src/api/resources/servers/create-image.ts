import { GiB, isUuidLike } from '#base'
import { type Caller, ImageNotFound, instanceImageOf } from '#cloud'
import type { Flavor, InstanceImage } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { BadServerRequest } from './create-faults.ts'

/** The image asked for, if the caller may use it. */
export async function imageFor(deps: ApiDeps, caller: Caller, imageRef: string): Promise<InstanceImage> {
  if (!isUuidLike(imageRef)) throw BadServerRequest({ text: 'Invalid imageRef provided.' })
  const image = await deps.images.get(caller, imageRef).catch(error => {
    if (ImageNotFound.is(error)) throw BadServerRequest({ text: 'Can not find requested image' }, { cause: error })
    throw error
  })
  if (image.status !== 'active') throw BadServerRequest({ text: `Image ${image.id} is not active.` })
  return instanceImageOf(image)
}

export function mustHaveMemory(image: InstanceImage, flavor: Flavor): void {
  if (image.minRamMiB > flavor.memoryMiB)
    throw BadServerRequest({ text: "Flavor's memory is too small for requested image." })
}

/** For a root disk on the host. One of 0 grows to the image's own size. */
export function mustFitRoot(image: InstanceImage, flavor: Flavor): void {
  if (flavor.rootGiB === 0) return
  const flavorBytes = flavor.rootGiB * GiB
  if (image.sizeBytes > flavorBytes) {
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
