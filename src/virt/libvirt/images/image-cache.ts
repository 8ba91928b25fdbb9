import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#base'
import { DiskFull, FlavorDiskTooSmall, ImageRefused } from '../../faults.ts'
import type { GuestImage } from '../../guest-spec.ts'
import type { ImageSource } from '../../image-source.ts'
import { fullOr, mustHaveRoom } from '../disks/disk-room.ts'
import { partial, settleStale } from '../disks/stale-files.ts'
import { type Storage, storageOf } from '../disks/storage.ts'
import type { DiskFormat } from './disk-info.ts'
import { inspectFor, mustAgreeOnEncryption, mustBeRaw, qemuNameOf, refuseUnsupported } from './image-acceptance.ts'
import { ImageCheck } from './image-check.ts'
import { checkFile, downloadTo } from './image-download.ts'
import { inspectImage } from './image-format.ts'
import type { ImageInspection } from './image-inspection.ts'
import { qcow2HeaderOf } from './qcow2-header.ts'
import { qemuImg, runLimited } from './qemu-img.ts'

/*
 * `_base/<sha1 of the image id>`: each image once, under the disks of all guests made from it; as a sparse raw file unless
 * the operator wants qcow2 images to stay what they are.
 *
 * Theory of operation: a base appears by rename when it is complete and checked, and never changes afterwards; its time is
 * that of its last use. Everything before happens in `<sha1>.part-<pid>-<random>` files: a crash leaves such a file, and
 * the next start of the cache removes those whose process is gone. Spawns in this process that want the same image share
 * one preparation; two processes may prepare the same one twice, and the second rename replaces a file by an equal one
 * (open overlays keep the inode they opened). Bases that nobody uses any more are removed by image-cleaning.ts.
 */

export interface BaseImage {
  readonly path: string
  readonly format: DiskFormat
  readonly virtualBytes: number
  /** As it came, for every disk made from it has a key of its own: it lies under none. */
  readonly isEncrypted?: true
}

export interface ImageCacheOptions {
  readonly folder: string
  readonly source: ImageSource
  readonly log: Log
  readonly storage?: Storage
}

const convertCpuSeconds = 1800

export class ImageCache {
  readonly #options: ImageCacheOptions
  readonly #storage: Storage
  readonly #underWay = new Map<string, Promise<BaseImage>>()

  constructor(options: ImageCacheOptions) {
    this.#options = options
    this.#storage = options.storage ?? storageOf()
  }

  get folder(): string {
    return this.#options.folder
  }

  /** Makes the folder and settles what crashed processes left in it. */
  async start(): Promise<void> {
    await mkdir(this.folder, { recursive: true })
    await settleStale(this.folder)
  }

  pathOf(image: GuestImage): string {
    return join(this.folder, createHash('sha1').update(image.id).digest('hex'))
  }

  /** The image's base, prepared if need be. `flavorBytes` 0: any size will do. */
  async base(image: GuestImage, flavorBytes: number): Promise<BaseImage> {
    const path = this.pathOf(image)
    for (;;) {
      const present = await this.#present(image, path)
      if (present !== undefined) return fitting(present, flavorBytes)
      const underWay = this.#underWay.get(path)
      if (underWay === undefined) break
      try {
        return fitting(await underWay, flavorBytes)
      } catch (error) {
        // Too large for the other one's flavor says nothing about ours; any other failure is about the image.
        if (!FlavorDiskTooSmall.is(error) || this.#underWay.get(path) === underWay) throw error
      }
    }
    const preparation = this.#prepare(image, path, flavorBytes).finally(() => this.#underWay.delete(path))
    this.#underWay.set(path, preparation)
    return preparation
  }

  /** Ahead of the guests that will want it; false when it was there. */
  async fetch(image: GuestImage): Promise<boolean> {
    if ((await this.#present(image, this.pathOf(image))) !== undefined) return false
    await this.base(image, 0)
    return true
  }

  /**
   * What is there already, marked as used now. Another process, or Nova, may have made it: a qcow2 is looked at again, and
   * no raw base begins like one.
   */
  async #present(image: GuestImage, path: string): Promise<BaseImage | undefined> {
    try {
      const { size } = await stat(path)
      const now = new Date()
      await utimes(path, now, now)
      const header = await qcow2HeaderOf(path)
      if (header === undefined) return { path, format: 'raw', virtualBytes: size }
      const inspection = await inspectImage(path)
      const { refusal } = inspection
      if (refusal !== undefined) throw ImageRefused({ id: image.id, reason: refusal })
      mustAgreeOnEncryption(image, inspection)
      return baseOf(path, 'qcow2', inspection)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async #prepare(image: GuestImage, path: string, flavorBytes: number): Promise<BaseImage> {
    refuseUnsupported(image, this.#storage)
    const [downloaded, unpacked] = [partial(path), partial(path)]
    try {
      const local = await this.#fetch(image, downloaded)
      const original = local ?? downloaded
      const inspection = await inspectFor(image, original, this.#storage)
      const staysAsItIs = inspection.isEncrypted === true || !this.#storage.forcesRawImages
      const format = inspection.format === 'qcow2' && staysAsItIs ? 'qcow2' : 'raw'
      const base = baseOf(path, format, inspection)
      fitting(base, flavorBytes)
      const isReady = qemuNameOf(inspection.format) === format
      if (isReady && local === undefined) await rename(downloaded, path)
      else {
        await this.#unpack(image, original, unpacked, inspection, format)
        await rename(unpacked, path)
      }
      this.#options.log.info({ image_id: image.id, format, virtual_bytes: base.virtualBytes }, 'image cached')
      return base
    } finally {
      await rm(downloaded, { force: true })
      await rm(unpacked, { force: true })
    }
  }

  /** The bits, seen to be those of the record: in a file of this machine, or else in `target`. */
  async #fetch(image: GuestImage, target: string): Promise<string | undefined> {
    const { source } = this.#options
    const check = new ImageCheck(image, await source.verifier?.(image))
    const local = await source.localPath?.(image)
    if (local !== undefined) {
      await checkFile(local, check)
      return local
    }
    await mustHaveRoom(this.folder, image.sizeBytes)
    const download = async () => downloadTo(target, await source.download(image), check)
    try {
      await this.#storage.heavy.run(download)
    } catch (error) {
      throw fullOr(error, target, image.sizeBytes)
    }
    return undefined
  }

  async #unpack(
    image: GuestImage,
    original: string,
    target: string,
    inspection: ImageInspection,
    format: DiskFormat,
  ): Promise<void> {
    await mustHaveRoom(this.folder, inspection.unpackedBytes)
    const limits = { cpuSeconds: convertCpuSeconds }
    const convert = ['convert', '-f', qemuNameOf(inspection.format), '-O', format, original, target]
    const copy = ['--reflink=auto', '--sparse=auto', original, target]
    const work = () => (inspection.isEncrypted === true ? runLimited('cp', copy, limits) : qemuImg(convert, limits))
    const result = await this.#storage.heavy.run(work)
    if (result.stderr.includes('No space left'))
      throw DiskFull({ path: this.folder, neededBytes: inspection.unpackedBytes })
    if (result.exitCode !== 0) {
      const reason = `it could not be unpacked: ${lastLine(result.stderr)}`
      throw ImageRefused({ id: image.id, reason }, { detail: result.stderr })
    }
    if (format === 'raw') await mustBeRaw(image, target)
    await using file = await open(target, 'r+')
    await file.chmod(0o600)
    await file.datasync()
  }
}

const baseOf = (path: string, format: DiskFormat, { virtualBytes, isEncrypted }: ImageInspection): BaseImage =>
  isEncrypted === true ? { path, format, virtualBytes, isEncrypted } : { path, format, virtualBytes }

function fitting(base: BaseImage, flavorBytes: number): BaseImage {
  const { virtualBytes } = base
  if (flavorBytes !== 0 && virtualBytes > flavorBytes)
    throw FlavorDiskTooSmall({ flavorBytes, imageBytes: virtualBytes })
  return base
}

const lastLine = (text: string): string =>
  text
    .split('\n')
    .at(-1)
    ?.replace(/^qemu-img: /, '') ?? ''
