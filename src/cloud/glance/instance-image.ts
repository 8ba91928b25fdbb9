import type { InstanceImage } from '#model'
import type { Image } from './port.ts'

/** What a server keeps of the image it is made from. */
export const instanceImageOf = (image: Image): InstanceImage => ({
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
