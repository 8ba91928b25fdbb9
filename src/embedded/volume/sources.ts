import { GiB, isUuidLike } from '#base'
import { type Image, ImageNotFound } from '#cloud'
import type { Actor, Core } from './core.ts'
import { Conflict, Invalid, invalidInput, invalidSnapshot, invalidVolume } from './faults.ts'
import type { SnapshotRow, VolumeRow } from './store/rows.ts'

/** What a new volume is made of. */
export type Source =
  | { readonly kind: 'blank' }
  | { readonly kind: 'snapshot'; readonly row: SnapshotRow }
  | { readonly kind: 'volume'; readonly row: VolumeRow }
  | { readonly kind: 'image'; readonly image: Image }

/** An image by id, name, or the end of an address; Cinder takes all three. */
export async function imageByRef({ images }: Core, actor: Actor, ref: string): Promise<Image> {
  const id = ref.split('/').at(-1) ?? ''
  if (isUuidLike(id)) {
    try {
      return await images.get(actor.as, id)
    } catch (error) {
      if (!ImageNotFound.is(error)) throw error
    }
  }
  const named = (await images.list(actor.as)).filter(image => image.name === ref)
  if (named.length > 1) {
    throw Conflict({ reason: `Multiple matches found for '${ref}', use an ID to be more specific.` })
  }
  const [image] = named
  if (image === undefined) {
    throw Invalid({ reason: 'Invalid image identifier or unable to access requested image.' })
  }
  return image
}

/** Refuses an image that is not there yet or does not fit. */
export function requireImageFits(image: Image, sizeGiB: number): void {
  if (image.status !== 'active') throw invalidInput(`Image ${image.id} is not active.`)
  const imageGiB = Math.ceil((image.sizeBytes ?? 0) / GiB)
  if (imageGiB > sizeGiB) {
    throw invalidInput(`Size of specified image ${imageGiB}GB is larger than volume size ${sizeGiB}GB.`)
  }
  if (sizeGiB < image.minDiskGiB) {
    throw invalidInput(`Volume size ${sizeGiB}GB cannot be smaller than the image minDisk size ${image.minDiskGiB}GB.`)
  }
  const virtualGiB = Math.ceil((image.virtualSizeBytes ?? 0) / GiB)
  if (virtualGiB > sizeGiB) {
    const reason = `Image virtual size is ${virtualGiB}GB and doesn't fit in a volume of size ${sizeGiB}GB.`
    throw Invalid({ reason: `Image ${image.id} is unacceptable: ${reason}` })
  }
}

/** Refuses a source that cannot be read now, or is larger than the volume. */
export function requireUsable(source: Source, sizeGiB: number): void {
  if (source.kind === 'snapshot') {
    if (source.row.status !== 'available') {
      throw invalidSnapshot("Originating snapshot status must be one of 'available' values")
    }
    if (sizeGiB < source.row.size_gib) {
      throw invalidInput(
        `Volume size '${sizeGiB}'GB cannot be smaller than the snapshot size ${source.row.size_gib}GB. They must be >= original snapshot size.`,
      )
    }
  }
  if (source.kind === 'volume') {
    if (source.row.status !== 'available' && source.row.status !== 'in-use') {
      throw invalidVolume("Originating source volume status must be one of 'available, in-use' values")
    }
    if (sizeGiB < source.row.size_gib) {
      throw invalidInput(
        `Volume size '${sizeGiB}'GB cannot be smaller than original volume size  ${source.row.size_gib}GB. They must be >= original volume size.`,
      )
    }
  }
  if (source.kind === 'image') requireImageFits(source.image, sizeGiB)
}

/** What Cinder keeps of the image that a volume was made of. */
export function imageMetadataOf(image: Image): Record<string, string> {
  const own = {
    signature_verified: 'False',
    image_id: image.id,
    image_name: image.name,
    checksum: image.checksum,
    container_format: image.containerFormat,
    disk_format: image.diskFormat,
    min_disk: image.minDiskGiB,
    min_ram: image.minRamMiB,
    size: image.sizeBytes,
  }
  const texts = Object.entries(own).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)] as const]))
  return { ...image.properties, ...Object.fromEntries(texts) }
}
