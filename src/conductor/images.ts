import { ImageConflict, ImageNotAuthorized, ImageNotFound } from '#cloud'
import type { ConductorDeps } from './deps.ts'

/**
 * Removes an image that Nova has made. Gone already: nothing to do. One that its owner has protected, or that somebody
 * uses, stays: he wants it more than we want it away.
 */
export async function removeImage(d: ConductorDeps, imageId: string): Promise<void> {
  try {
    await d.images.remove('service', imageId)
  } catch (error) {
    if (ImageNotFound.is(error)) return
    if (!ImageNotAuthorized.is(error) && !ImageConflict.is(error)) throw error
    d.log.warn({ image_id: imageId, err: error }, 'image is left')
  }
}
