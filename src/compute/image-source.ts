import type { ImagePort } from '#cloud'
import type { ImageSource } from '#virt'

/**
 * Images for the driver, fetched in Nova's own name: the user's token may have expired when a saga resumes. The image service
 * is looked for when the first image is: a host may wait for its conductor without one.
 */
export const imageSource = (images: () => ImagePort): ImageSource => ({
  download: async image => images().download('service', image.id),
  localPath: async image => images().localPath?.('service', image.id),
})
