import { randomBytes } from 'node:crypto'
import { constants, existsSync, readdirSync, rmSync } from 'node:fs'
import { copyFile, type FileHandle, link, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '#base'
import type { GuestImage } from '../guest-spec.ts'
import type { ImageSource } from '../image-source.ts'

/** What the root disk of a guest holds: the bits of its image, and what was written over them since. */
export interface FakeDisk {
  /** Name in the folder of disks; null where nobody gave the driver images: nothing is under the writes. */
  readonly file: string | null
  readonly diskFormat: string
  readonly writes: readonly DiskWrite[]
}

export interface DiskWrite {
  readonly offset: number
  readonly base64: string
}

export interface DiskPlace {
  readonly images: ImageSource
  /** Folder of the disks; of this host alone where guests outlive the process. */
  readonly path: string
}

/** A disk opened for reading: it is there until it is closed, whatever becomes of its guest. */
export interface OpenDisk {
  read(): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/** The root disks of guests, as files that cost nothing where the image lies in a file already: hard links to it. */
export class FakeDisks {
  readonly #place: DiskPlace | undefined

  constructor(place: DiskPlace | undefined) {
    this.#place = place
  }

  async make(guestId: string, image: GuestImage): Promise<FakeDisk> {
    const disk = { diskFormat: image.diskFormat, writes: [] }
    if (this.#place === undefined) return { ...disk, file: null }
    await mkdir(this.#place.path, { recursive: true })
    const file = `${guestId}.${randomBytes(4).toString('hex')}`
    const path = join(this.#place.path, file)
    try {
      await this.#fill(path, image, this.#place.images)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    return { ...disk, file }
  }

  /** Where the disks lie; empty where there are none. */
  get folder(): string {
    return this.#place?.path ?? ''
  }

  /** The same bits for another host's guest, from its folder: each may be removed without the other. */
  async copy(guestId: string, disk: FakeDisk, folder: string): Promise<FakeDisk> {
    if (this.#place === undefined || disk.file === null) return { ...disk, file: null }
    await mkdir(this.#place.path, { recursive: true })
    const [path, file] = [join(folder, disk.file), `${guestId}.${randomBytes(4).toString('hex')}`]
    const copied = join(this.#place.path, file)
    await link(path, copied).catch(() => copyFile(path, copied, constants.COPYFILE_FICLONE))
    return { ...disk, file }
  }

  /** What a killed process was making, or had just taken from its guest, goes. */
  keepOnly(known: Iterable<FakeDisk | undefined>): void {
    if (this.#place === undefined || !existsSync(this.#place.path)) return
    const files = new Set(Array.from(known, disk => disk?.file))
    for (const file of readdirSync(this.#place.path))
      if (!files.has(file)) rmSync(join(this.#place.path, file), { force: true })
  }

  async remove(disk: FakeDisk | undefined): Promise<void> {
    const path = disk === undefined ? undefined : this.#pathOf(disk)
    if (path !== undefined) await rm(path, { force: true })
  }

  async open(disk: FakeDisk): Promise<OpenDisk> {
    const path = this.#pathOf(disk)
    const file = path === undefined ? undefined : await open(path, 'r')
    return { read: () => withWrites(file, disk.writes), close: async () => file?.close() }
  }

  #pathOf({ file }: FakeDisk): string | undefined {
    return file === null || this.#place === undefined ? undefined : join(this.#place.path, file)
  }

  async #fill(path: string, image: GuestImage, images: ImageSource): Promise<void> {
    const local = await images.localPath?.(image)
    if (local !== undefined) {
      await link(local, path).catch(() => copyFile(local, path, constants.COPYFILE_FICLONE))
      return
    }
    const file = await open(path, 'wx')
    try {
      for await (const chunk of await images.download(image)) await file.writeFile(chunk)
    } finally {
      await file.close()
    }
  }
}

/** The file with the writes laid over it; what lies beyond its end is zero where nobody wrote. */
async function* withWrites(file: FileHandle | undefined, writes: readonly DiskWrite[]): AsyncGenerator<Uint8Array> {
  const pieces = writes.map(({ offset, base64 }) => ({ offset, bytes: Buffer.from(base64, 'base64') }))
  const size = file === undefined ? 0 : (await file.stat()).size
  const end = Math.max(size, ...pieces.map(({ offset, bytes }) => offset + bytes.length))
  for (let at = 0; at < end; at += MiB) {
    const chunk = Buffer.alloc(Math.min(MiB, end - at))
    if (file !== undefined && at < size) await file.read(chunk, 0, chunk.length, at)
    for (const { offset, bytes } of pieces) {
      const from = Math.max(offset, at)
      const to = Math.min(offset + bytes.length, at + chunk.length)
      if (from < to) bytes.copy(chunk, from - at, from - offset, to - offset)
    }
    yield chunk
  }
}
