import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault, type Log } from '#base'
import { DiskFull, FlavorDiskTooSmall, ImageRefused } from '../faults.ts'
import type { GuestImage } from '../guest-spec.ts'
import type { ImageSource } from '../image-source.ts'
import { ImageDownload } from './image-download.ts'
import { type ImageInspection, inspectImage } from './image-format.ts'
import { qemuImg } from './qemu-img.ts'

/*
 * `_base/<sha1 of the image id>`: each image once, as a sparse raw file, under the disks of all guests made from it.
 *
 * Theory of operation: a base appears by rename when it is complete and checked, and never changes afterwards. Everything
 * before happens in `<sha1>.part-<pid>-<random>` files: a crash leaves such a file, and the next start of the cache
 * removes those whose process is gone. Spawns in this process that want the same image share one preparation; two
 * processes may prepare the same one twice, and the second rename replaces a file by an equal one (open overlays keep the
 * inode they opened).
 */

export interface BaseImage {
  readonly path: string
  readonly virtualBytes: number
}

export interface ImageCacheOptions {
  readonly folder: string
  readonly source: ImageSource
  readonly log: Log
}

/** The formats a root disk is made from. Others are refused, as the host's COMPUTE_IMAGE_TYPE traits announce. */
const supportedFormats = new Set(['raw', 'qcow2', 'iso'])

/** Left free beside an image: a file system filled to the brim stops the running guests. */
const reserveBytes = 64 * 1024 * 1024
const checkCpuSeconds = 60
const convertCpuSeconds = 1800

export class ImageCache {
  readonly #options: ImageCacheOptions
  readonly #underWay = new Map<string, Promise<BaseImage>>()

  constructor(options: ImageCacheOptions) {
    this.#options = options
  }

  /** Makes the folder and removes what crashed processes left in it. */
  async start(): Promise<void> {
    const { folder } = this.#options
    await mkdir(folder, { recursive: true })
    for (const name of await readdir(folder)) {
      const owner = /\.part-(\d+)-[0-9a-f]+$/.exec(name)?.[1]
      if (owner !== undefined && !isRunning(Number(owner))) await rm(join(folder, name), { force: true })
    }
  }

  pathOf(image: GuestImage): string {
    return join(this.#options.folder, createHash('sha1').update(image.id).digest('hex'))
  }

  /** The image's base, prepared if need be. `flavorBytes` 0: any size will do. */
  async base(image: GuestImage, flavorBytes: number): Promise<BaseImage> {
    const path = this.pathOf(image)
    for (;;) {
      const present = await stat(path).catch(absent)
      if (present !== undefined) return fitting({ path, virtualBytes: present.size }, flavorBytes)
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
    if ((await stat(this.pathOf(image)).catch(absent)) !== undefined) return false
    await this.base(image, 0)
    return true
  }

  async #prepare(image: GuestImage, path: string, flavorBytes: number): Promise<BaseImage> {
    refuseUnsupported(image)
    const partial = () => `${path}.part-${process.pid}-${randomBytes(4).toString('hex')}`
    const downloaded = partial()
    const unpacked = partial()
    try {
      const local = await this.#options.source.localPath?.(image)
      const original = local ?? downloaded
      if (local === undefined) await this.#download(image, downloaded)
      const inspection = await inspect(image, original)
      fitting({ path, virtualBytes: inspection.virtualBytes }, flavorBytes)
      if (local === undefined && inspection.format !== 'qcow2') await rename(downloaded, path)
      else {
        await this.#unpack(image, original, unpacked, inspection)
        await rename(unpacked, path)
      }
      this.#options.log.info({ image_id: image.id, virtual_bytes: inspection.virtualBytes }, 'image cached')
      return { path, virtualBytes: inspection.virtualBytes }
    } finally {
      await rm(downloaded, { force: true })
      await rm(unpacked, { force: true })
    }
  }

  async #download(image: GuestImage, target: string): Promise<void> {
    await this.#refuseWhenFull(image.sizeBytes)
    const chunks = await this.#options.source.download(image)
    try {
      await new ImageDownload(image).run(chunks, target)
    } catch (error) {
      throw this.#fullOr(error, image.sizeBytes)
    }
  }

  async #unpack(image: GuestImage, original: string, target: string, inspection: ImageInspection): Promise<void> {
    await this.#refuseWhenFull(inspection.unpackedBytes)
    const format = inspection.format === 'qcow2' ? 'qcow2' : 'raw'
    const args = ['convert', '-f', format, '-O', 'raw', original, target]
    const result = await qemuImg(args, { cpuSeconds: convertCpuSeconds })
    if (result.exitCode === 0) return
    if (result.stderr.includes('No space left')) throw this.#full(inspection.unpackedBytes)
    throw ImageRefused(
      { id: image.id, reason: `it could not be unpacked: ${lastLine(result.stderr)}` },
      { detail: result.stderr },
    )
  }

  async #refuseWhenFull(neededBytes: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#options.folder)
    if (neededBytes + reserveBytes > bavail * bsize) throw this.#full(neededBytes)
  }

  #full(neededBytes: number): Fault {
    return DiskFull({ path: this.#options.folder, neededBytes })
  }

  #fullOr(error: unknown, neededBytes: number): unknown {
    return isNoSpace(error) ? this.#full(neededBytes) : error
  }
}

export const isNoSpace = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

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

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}

function isRunning(pid: number): boolean {
  // Our own pid in a file that exists before we made any: a process before us had it.
  if (pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function refuseUnsupported(image: GuestImage): void {
  if (image.containerFormat !== 'bare') {
    throw ImageRefused({
      id: image.id,
      reason: `container format ${image.containerFormat} is not supported by this host`,
    })
  }
  if (!supportedFormats.has(image.diskFormat)) {
    throw ImageRefused({ id: image.id, reason: `disk format ${image.diskFormat} is not supported by this host` })
  }
}

/** Reads what the file really is before any tool that follows its pointers touches it. */
async function inspect(image: GuestImage, path: string): Promise<ImageInspection> {
  const inspection = await inspectImage(path)
  if (inspection.format !== image.diskFormat) {
    const reason = `its content is ${inspection.format}, but its disk_format says ${image.diskFormat}`
    throw ImageRefused({ id: image.id, reason })
  }
  if (inspection.refusal !== undefined) throw ImageRefused({ id: image.id, reason: inspection.refusal })
  if (inspection.format === 'qcow2') await checkQcow2(image, path)
  return inspection
}

const leaksOnly = 3

async function checkQcow2(image: GuestImage, path: string): Promise<void> {
  const result = await qemuImg(['check', '-f', 'qcow2', path], { cpuSeconds: checkCpuSeconds })
  if (result.exitCode === 0 || result.exitCode === leaksOnly) return
  const detail = `${result.stdout}\n${result.stderr}`
  throw ImageRefused({ id: image.id, reason: 'it is corrupt: qemu-img check found errors' }, { detail })
}
