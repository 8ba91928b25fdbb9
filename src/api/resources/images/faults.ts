import { declareFault } from '#base'
import { ImageNotFound } from '#cloud'

/** The proxies' own words for what the image service said. */
export const NoSuchImage = declareFault('ImageNotFound', 'missing', () => 'Image not found.')
export const MayNotDelete = declareFault(
  'ImageNotAuthorized',
  'refused',
  () => 'You are not allowed to delete the image.',
  403,
)
export const NoSuchItem = declareFault('MetadataItemNotFound', 'missing', () => 'The resource could not be found.')
export const NoSuchKey = declareFault('MetadataItemNotFound', 'missing', () => 'Invalid metadata key')
export const KeyMismatch = declareFault('MetadataKeyMismatch', 'refused', () => 'Request body and URI mismatch')
export const ImageMetadataLimit = declareFault('OverQuota', 'refused', () => 'Image metadata limit exceeded', 403)

/** Passes anything on but that there is no such image, which is told in the proxies' words. */
export async function orNoSuchImage<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (ImageNotFound.is(error)) throw NoSuchImage({}, { cause: error })
    throw error
  }
}
