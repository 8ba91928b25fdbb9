import type { ImageStock } from '../../driver.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { cleanImages, usedBytes } from './image-cleaning.ts'

/** The image cache, as nova-compute asks for it. */
export const imageStock = ({ images, storage, files, clock, log }: GuestContext): ImageStock => ({
  fetch: image => images.fetch(image),
  usedBytes: () => usedBytes(images.folder, files.root),
  clean: () =>
    cleanImages({ cacheFolder: images.folder, instancesPath: files.root, rules: storage.cleaning, clock, log }),
})
