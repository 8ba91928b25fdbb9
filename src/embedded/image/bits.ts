/**
 * The files of images. A file gets a name nobody used before (`<image id>.<8 hex digits>`), is written and synced, and
 * counts only once a row names it: the commit of that row is the atomic step. Whatever no row names is litter of an
 * interrupted upload or delete and goes at the next start.
 */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '#base'
import { TooLarge, Unwritable } from './faults.ts'
import { virtualSizeOf } from './inspect.ts'

const ownName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{8}$/i

export interface StoredBits {
  readonly fileName: string
  readonly sizeBytes: number
  readonly virtualSizeBytes: number | null
  readonly checksum: string
  readonly hashAlgorithm: 'sha512'
  readonly hashValue: string
}

export class Bits {
  readonly #folder: string
  readonly #maxBytes: number

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder
    this.#maxBytes = maxBytes
  }

  pathOf(fileName: string): string {
    return join(this.#folder, fileName)
  }

  /** Makes the folder and removes every file of ours that is not in `named`. */
  async prepare(named: ReadonlySet<string>): Promise<string[]> {
    await mkdir(this.#folder, { recursive: true })
    const litter = (await readdir(this.#folder)).filter(name => ownName.test(name) && !named.has(name))
    for (const name of litter) await this.remove(name)
    return litter
  }

  /** Stores a stream. On any failure no file remains. */
  async write(imageId: string, diskFormat: string | null, source: AsyncIterable<Uint8Array>): Promise<StoredBits> {
    const fileName = newName(imageId)
    try {
      const file = await open(this.pathOf(fileName), 'wx+', 0o640)
      try {
        const digest = new Digest(this.#maxBytes)
        for await (const chunk of source) {
          const from = digest.sizeBytes
          digest.add(chunk)
          await writeSparse(file, chunk, from)
        }
        await file.truncate(digest.sizeBytes)
        await file.datasync()
        const virtualSizeBytes = await virtualSizeOf(file, diskFormat, digest.sizeBytes)
        return { fileName, virtualSizeBytes, ...digest.result() }
      } finally {
        await file.close()
      }
    } catch (error) {
      await this.remove(fileName)
      throw asFault(error)
    }
  }

  /** Takes over a local file that nobody changes any more: a hard link where possible, else a copy. */
  async adopt(imageId: string, diskFormat: string | null, source: string): Promise<StoredBits> {
    const fileName = newName(imageId)
    const path = this.pathOf(fileName)
    try {
      await link(source, path).catch(() => copyFile(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE))
      const file = await open(path, 'r')
      try {
        const digest = new Digest(this.#maxBytes)
        for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: MiB })) {
          digest.add(chunk as Uint8Array)
        }
        const virtualSizeBytes = await virtualSizeOf(file, diskFormat, digest.sizeBytes)
        return { fileName, virtualSizeBytes, ...digest.result() }
      } finally {
        await file.close()
      }
    } catch (error) {
      await this.remove(fileName)
      throw asFault(error)
    }
  }

  async remove(fileName: string): Promise<void> {
    await rm(this.pathOf(fileName), { force: true })
  }
}

const newName = (imageId: string): string => `${imageId}.${randomBytes(4).toString('hex')}`

const zeros = Buffer.alloc(MiB)

/** Zeros become a hole: the image of a volume is mostly that. */
async function writeSparse(file: FileHandle, chunk: Uint8Array, from: number): Promise<void> {
  if (chunk.length <= zeros.length && zeros.subarray(0, chunk.length).equals(chunk)) return
  for (let at = 0; at < chunk.length; ) {
    at += (await file.write(chunk, at, chunk.length - at, from + at)).bytesWritten
  }
}

/** Size and hashes of what passes by. */
class Digest {
  readonly #maxBytes: number
  readonly #md5 = createHash('md5')
  readonly #sha512 = createHash('sha512')
  sizeBytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  add(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length
    if (this.sizeBytes > this.#maxBytes) {
      throw TooLarge({ reason: 'The incoming image is too large: The provided image is too large.' })
    }
    this.#md5.update(chunk)
    this.#sha512.update(chunk)
  }

  result(): { sizeBytes: number; checksum: string; hashAlgorithm: 'sha512'; hashValue: string } {
    return {
      sizeBytes: this.sizeBytes,
      checksum: this.#md5.digest('hex'),
      hashAlgorithm: 'sha512',
      hashValue: this.#sha512.digest('hex'),
    }
  }
}

/** What the operating system says, in Glance's words. */
function asFault(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return TooLarge(
      { reason: 'Image storage media is full: There is not enough disk space on the image storage media.' },
      { cause: error },
    )
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    const reason = 'Insufficient permissions on image storage media: Permission to write image storage media denied.'
    return Unwritable({ reason }, { cause: error })
  }
  return error
}
