import { copyFile, rename, rm } from 'node:fs/promises'
import type { GuestImage, GuestSpec } from '../../guest-spec.ts'
import type { ImageSource } from '../../image-source.ts'
import { exists, type GuestFiles } from '../guest/guest-files.ts'
import { ImageCheck } from './image-check.ts'
import { checkFile, downloadTo } from './image-download.ts'

/** Kernel and first file system of a guest whose image has none of its own, beside its disks; fetched once. */
export async function makeKernelFiles(
  { id, directBoot }: GuestSpec,
  { files, imageSource }: { readonly files: GuestFiles; readonly imageSource: ImageSource },
): Promise<void> {
  if (directBoot === undefined) return
  await fetchOnce(directBoot.kernel, files.kernel(id), imageSource)
  if (directBoot.ramdisk !== null) await fetchOnce(directBoot.ramdisk, files.ramdisk(id), imageSource)
}

/** The same for a rescue, which may be with others than the one before. */
export async function makeRescueKernelFiles(
  id: string,
  directBoot: NonNullable<GuestSpec['directBoot']>,
  { files, imageSource }: { readonly files: GuestFiles; readonly imageSource: ImageSource },
): Promise<void> {
  const [kernel, ramdisk] = [files.rescueKernel(id), files.rescueRamdisk(id)]
  for (const path of [kernel, ramdisk]) await rm(path, { force: true })
  await fetchOnce(directBoot.kernel, kernel, imageSource)
  if (directBoot.ramdisk !== null) await fetchOnce(directBoot.ramdisk, ramdisk, imageSource)
}

/** QEMU reads the file as it is: it is no disk, so there is nothing to look into but whether it is what was asked for. */
async function fetchOnce(image: GuestImage, path: string, source: ImageSource): Promise<void> {
  if (await exists(path)) return
  const partial = `${path}.part`
  await rm(partial, { force: true })
  const check = new ImageCheck(image, await source.verifier?.(image))
  const local = await source.localPath?.(image)
  if (local === undefined) await downloadTo(partial, await source.download(image), check)
  else {
    await checkFile(local, check)
    await copyFile(local, partial)
  }
  await rename(partial, path)
}
