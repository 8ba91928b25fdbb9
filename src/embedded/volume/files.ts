/**
 * The contents of volumes and snapshots: one raw, sparse file each. A file gets a name nobody used before
 * (`<id>.<8 hex digits>`) and counts only once a row names it: the commit of that row is the atomic step. Whatever no row
 * names is litter of an interrupted piece of work and goes at the next start.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { GiB, MiB } from '#base'
import { unpack } from './unpack.ts'

const ownName = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{8}(\.packed)?$/i
const run = promisify(execFile)
const zeros = Buffer.alloc(MiB)

export const newFileName = (id: string): string => `${id}.${randomBytes(4).toString('hex')}`

export class VolumeFiles {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  pathOf(fileName: string): string {
    return join(this.folder, fileName)
  }

  /** Makes the folder and removes every file of ours that is not in `named`. */
  async prepare(named: ReadonlySet<string>): Promise<string[]> {
    await mkdir(this.folder, { recursive: true })
    const litter = (await readdir(this.folder)).filter(name => ownName.test(name) && !named.has(name))
    for (const name of litter) await this.remove(name)
    return litter
  }

  async blank(fileName: string, sizeGiB: number): Promise<void> {
    const file = await open(this.pathOf(fileName), 'wx', 0o640)
    try {
      await file.truncate(sizeGiB * GiB)
    } finally {
      await file.close()
    }
  }

  /** A copy that grows to the size; holes stay holes, and blocks are shared where the file system can. */
  async copy(source: string, fileName: string, sizeGiB: number): Promise<void> {
    await run('cp', ['--reflink=auto', '--sparse=always', '--', this.pathOf(source), this.pathOf(fileName)])
    await this.extend(fileName, sizeGiB)
  }

  /** From the bits of an image; `format` is Glance's disk_format. */
  async fromImage(
    image: { format: string; bits: () => Promise<AsyncIterable<Uint8Array>>; localPath: string | undefined },
    fileName: string,
    sizeGiB: number,
    signal: AbortSignal,
  ): Promise<void> {
    const target = this.pathOf(fileName)
    if (isRaw(image.format)) await writeSparse(await image.bits(), target, signal)
    else {
      const packed = image.localPath ?? `${target}.packed`
      try {
        if (image.localPath === undefined) await writeSparse(await image.bits(), packed, signal)
        await unpack(packed, image.format, target, { limitBytes: sizeGiB * GiB, signal })
      } finally {
        if (image.localPath === undefined) await rm(packed, { force: true })
      }
    }
    await this.extend(fileName, sizeGiB)
  }

  /** Never makes a file smaller. */
  async extend(fileName: string, sizeGiB: number): Promise<void> {
    const file = await open(this.pathOf(fileName), 'r+')
    try {
      if ((await file.stat()).size < sizeGiB * GiB) await file.truncate(sizeGiB * GiB)
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  async sizeBytes(fileName: string): Promise<number> {
    return (await stat(this.pathOf(fileName))).size
  }

  /** Gives the content of one file to the name of another, in one step. */
  async replace(fileName: string, by: string): Promise<void> {
    await rename(this.pathOf(by), this.pathOf(fileName))
  }

  async remove(fileName: string): Promise<void> {
    await rm(this.pathOf(fileName), { force: true })
    await rm(`${this.pathOf(fileName)}.packed`, { force: true })
  }
}

/** Kernels and the like are disks byte by byte, too. */
const isRaw = (format: string): boolean => ['raw', 'iso', 'ami', 'aki', 'ari'].includes(format)

/** Writes a stream; pieces of zeros become holes. */
async function writeSparse(source: AsyncIterable<Uint8Array>, path: string, signal: AbortSignal): Promise<void> {
  const file = await open(path, 'wx', 0o640)
  let at = 0
  try {
    for await (const chunk of source) {
      signal.throwIfAborted()
      for (let from = 0; from < chunk.length; from += MiB) {
        const piece = chunk.subarray(from, from + MiB)
        if (!zeros.subarray(0, piece.length).equals(piece)) {
          for (let done = 0; done < piece.length; ) {
            done += (await file.write(piece, done, piece.length - done, at + done)).bytesWritten
          }
        }
        at += piece.length
      }
    }
    await file.truncate(at)
    await file.datasync()
  } finally {
    await file.close()
  }
}
