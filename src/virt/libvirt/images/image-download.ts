import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ImageCheck } from './image-check.ts'

const blockBytes = 64 * 1024
const zeros = Buffer.alloc(blockBytes)

/** Writes the bits of one image to a file, leaving holes for zeros, and checks them on the way. */
export async function downloadTo(target: string, chunks: AsyncIterable<Uint8Array>, check: ImageCheck): Promise<void> {
  const file = await open(target, 'wx', 0o600)
  try {
    for await (const chunk of chunks) {
      const begin = check.bytes
      check.take(chunk)
      await writeSparse(file, chunk, begin)
    }
    await file.truncate(check.bytes)
    check.end()
    // A base that the next crash of the machine empties would be used as it is for ever.
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** The same check of bits that lie on this machine already. */
export async function checkFile(path: string, check: ImageCheck): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) check.take(chunk as Buffer)
  check.end()
}

async function writeSparse(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.length; at += blockBytes) {
    const block = chunk.subarray(at, at + blockBytes)
    if (zeros.compare(block, 0, block.length, 0, block.length) !== 0) await writeAll(file, block, position + at)
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
