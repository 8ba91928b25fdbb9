import { ImageConflict, ImageNotAuthorized, ImageNotFound } from '#cloud'
import { imageSecretOf } from '#model'
import type { ConductorDeps } from './deps.ts'
import { removeKey } from './disk-keys.ts'

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

/** The same of a server's disk, with the passphrase that was made for it; an image says which that is, so it goes last. */
export async function removeSnapshot(d: ConductorDeps, imageId: string): Promise<void> {
  try {
    const secretId = imageSecretOf(await d.images.get('service', imageId))
    if (secretId !== undefined) await removeKey(d, 'service', secretId, { image_id: imageId })
  } catch (error) {
    if (!ImageNotFound.is(error)) throw error
  }
  await removeImage(d, imageId)
}
