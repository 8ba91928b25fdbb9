import { ImageNotFound, instanceImageOf } from '#cloud'
import { type InstanceImage, volumeImage } from '#model'
import type { GuestSpec } from '#virt'
import type { ConductorDeps } from './deps.ts'

/** Images that say they have none write it so. */
const isUnset = (id: string | undefined): boolean => id === undefined || ['', 'none'].includes(id.trim().toLowerCase())

/** What an image without a boot loader is booted by: its kernel, which is an image of its own, and what goes with it. */
export async function directBootOf(
  d: Pick<ConductorDeps, 'images'>,
  { properties }: Pick<InstanceImage, 'properties'>,
): Promise<Pick<GuestSpec, 'directBoot'>> {
  const find = async (id: string | undefined): Promise<InstanceImage | null> => {
    if (id === undefined || isUnset(id)) return null
    try {
      return instanceImageOf(await d.images.get('service', id))
    } catch (error) {
      // A guest whose host has the file already does not need the image any more; another one is told by its host.
      if (ImageNotFound.is(error)) return { ...volumeImage({}), id }
      throw error
    }
  }
  const kernel = await find(properties['kernel_id'])
  return kernel === null ? {} : { directBoot: { kernel, ramdisk: await find(properties['ramdisk_id']) } }
}

/** Kernel and first file system of a rescue: the operator's, each in the place of the server's own; none without a kernel. */
export function rescueBootOf(
  d: Pick<ConductorDeps, 'images' | 'options'>,
  { properties }: Pick<InstanceImage, 'properties'>,
): Promise<Pick<GuestSpec, 'directBoot'>> {
  const { kernelId, ramdiskId } = d.options.rescueKernel ?? { kernelId: null, ramdiskId: null }
  if (kernelId === null && ramdiskId === null) return Promise.resolve({})
  const own = { kernel_id: properties['kernel_id'] ?? '', ramdisk_id: properties['ramdisk_id'] ?? '' }
  return directBootOf(d, {
    properties: { kernel_id: kernelId ?? own.kernel_id, ramdisk_id: ramdiskId ?? own.ramdisk_id },
  })
}
