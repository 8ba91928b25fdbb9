import { Limiter } from '#base'
import type { CachedImages } from '#bus'
import type { GuestImage, VirtDriver } from '#virt'

/** One request at a time, one image after the other: guests that boot now need the line as well. */
export function imageCacher(driver: VirtDriver): (images: readonly GuestImage[]) => Promise<CachedImages> {
  const line = new Limiter(1)
  const one = async (image: GuestImage): Promise<CachedImages[string]> => {
    if (driver.imageCache === undefined) return 'unsupported'
    return driver.imageCache.fetch(image).then(
      isNew => (isNew ? 'cached' : 'existing'),
      () => 'error' as const,
    )
  }
  return images =>
    line.run(async () => {
      const results: Record<string, CachedImages[string]> = {}
      for (const image of images) results[image.id] = await one(image)
      return results
    })
}
