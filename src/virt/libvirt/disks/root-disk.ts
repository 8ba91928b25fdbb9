import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { GiB } from '#base'
import { HypervisorError, ImageRefused } from '../../faults.ts'
import type { DiskEncryption, GuestImage, GuestSpec } from '../../guest-spec.ts'
import type { GuestContext } from '../guest/guest-context.ts'
import { exists } from '../guest/guest-files.ts'
import { type DiskFormat, formatOfDisk, recordFormat } from '../images/disk-info.ts'
import type { BaseImage } from '../images/image-cache.ts'
import { qcow2HeaderOf } from '../images/qcow2-header.ts'
import { runLimited } from '../images/qemu-img.ts'
import { headerFor, passphraseOf } from './disk-key.ts'
import { fullOr, mustHaveRoom } from './disk-room.ts'
import { makeEncrypted } from './encrypted-disk.ts'
import { growDisk } from './grow-disk.ts'
import { createQcow2 } from './new-qcow2.ts'

const copyCpuSeconds = 1800

type Parts = Pick<GuestContext, 'images' | 'storage'>

/** The root disk of a guest, made from its image in the size of its flavor; there already: nothing to do. */
export async function makeRootDisk(spec: GuestSpec, context: GuestContext): Promise<void> {
  if (await context.files.hasDisk(spec.id)) return
  const { encryption } = spec.disks.find(disk => disk.kind === 'image') ?? {}
  await makeDiskFromImage(spec.image, context.files.disk(spec.id), spec.flavor.rootGiB * GiB, context, encryption)
}

/**
 * A disk from an image, of these bytes or as large as the image (0). It appears when it is complete, and what it is stands
 * in `disk.info` by then. An encrypted one is a qcow2 in any case: what nobody has written reads as zeros, as a file system
 * expects it, and takes no room.
 */
export async function makeDiskFromImage(
  image: GuestImage,
  path: string,
  bytes: number,
  parts: Parts,
  encryption?: DiskEncryption,
): Promise<void> {
  if (image.encryption !== undefined && encryption === undefined)
    throw ImageRefused({ id: image.id, reason: 'it is encrypted, and the disk would not be' })
  for (;;) {
    const base = await parts.images.base(image, bytes)
    const size = bytes === 0 ? base.virtualBytes : bytes
    const isFlat = parts.storage.rootDisks === 'flat'
    const format: DiskFormat = isFlat && encryption === undefined ? base.format : 'qcow2'
    await recordFormat(path, format)
    if (isFlat || base.isEncrypted === true) {
      if (await copyBase(base, path, size, parts, image, encryption)) return
    } else {
      const backing = { file: base.path, format: base.format }
      await createQcow2(path, { virtualBytes: size, backing, ...headerOf(encryption) })
      if (parts.storage.preallocates) await reserve(path, size)
      // The cleaning may have been faster; whatever is removed from now on, it has seen this disk.
      if (await exists(base.path)) return
    }
  }
}

const headerOf = (encryption: DiskEncryption | undefined) =>
  encryption === undefined ? {} : { luksHeader: headerFor(encryption) }

/** False when the base was cleaned away under the copy. */
async function copyBase(
  base: BaseImage,
  path: string,
  size: number,
  { storage }: Parts,
  image: GuestImage,
  encryption: DiskEncryption | undefined,
): Promise<boolean> {
  const partial = `${path}.part`
  try {
    const { blocks } = await stat(base.path)
    await mustHaveRoom(dirname(path), storage.preallocates ? size : blocks * 512)
    const source = { path: base.path, format: base.format, passphrase: passphraseOf(image.encryption) }
    const work = () =>
      encryption === undefined ? copyFile(base.path, partial) : makeEncrypted(partial, source, size, encryption)
    const result = await storage.heavy.run(work)
    if (result.exitCode !== 0) {
      if (!(await exists(base.path))) return false
      throw HypervisorError({ operation: 'copy of the image', reason: result.stderr })
    }
    await setMode(partial)
    if (encryption === undefined) await growDisk(partial, base.format, size)
    if (storage.preallocates) await reserve(partial, size)
    await rename(partial, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !(await exists(base.path))) return false
    throw fullOr(error, path, size)
  } finally {
    await rm(partial, { force: true })
  }
}

const copyFile = (from: string, to: string) =>
  runLimited('cp', ['--reflink=auto', '--sparse=auto', from, to], { cpuSeconds: copyCpuSeconds })

async function setMode(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.chmod(0o600)
}

/** Takes the blocks now. A file system that cannot is no reason to fail, as in Nova. */
async function reserve(path: string, size: number): Promise<void> {
  await runLimited('fallocate', ['-n', '-l', String(size), path], { cpuSeconds: copyCpuSeconds })
}

/**
 * What lies under the disk of a guest that is to start again must be there. A cached image that was lost is fetched anew if
 * it is the guest's own; the one under an unshelved guest is not to be had any more.
 */
export async function mustHaveBase(spec: GuestSpec, context: GuestContext): Promise<void> {
  const { files, images } = context
  const disk = files.disk(spec.id)
  if (formatOfDisk(disk) === 'raw') return
  const backing = (await qcow2HeaderOf(disk))?.backingFile ?? null
  if (backing === null || (await exists(resolve(dirname(disk), backing)))) return
  if (basename(backing) !== basename(images.pathOf(spec.image))) {
    throw HypervisorError({ operation: 'start', reason: `the image under the guest's disk, ${backing}, is gone` })
  }
  await images.base(spec.image, 0)
}
