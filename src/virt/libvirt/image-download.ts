import { createHash, getHashes, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { ImageRefused } from '../faults.ts'
import type { GuestImage } from '../guest-spec.ts'

const blockBytes = 64 * 1024
const zeros = Buffer.alloc(blockBytes)

/** Writes the bits of one image to a file, leaving holes for zeros, and checks size and checksum on the way. */
export class ImageDownload {
  readonly #image: GuestImage
  readonly #hash: { readonly hash: Hash; readonly expected: string } | undefined
  #bytes = 0

  constructor(image: GuestImage) {
    this.#image = image
    this.#hash = expectedHash(image)
  }

  async run(chunks: AsyncIterable<Uint8Array>, target: string): Promise<void> {
    const file = await open(target, 'wx', 0o600)
    try {
      for await (const chunk of chunks) await this.#take(file, chunk)
      await file.truncate(this.#bytes)
    } finally {
      await file.close()
    }
    this.#verify()
  }

  async #take(file: FileHandle, chunk: Uint8Array): Promise<void> {
    const end = this.#bytes + chunk.length
    // More than promised is refused while it comes in, not after it has filled the disk.
    if (end > this.#image.sizeBytes)
      throw this.#refusal(`it is larger than its record says (${this.#image.sizeBytes} bytes)`)
    this.#hash?.hash.update(chunk)
    for (let at = 0; at < chunk.length; at += blockBytes) {
      const block = chunk.subarray(at, at + blockBytes)
      if (zeros.compare(block, 0, block.length, 0, block.length) !== 0) await writeAll(file, block, this.#bytes + at)
    }
    this.#bytes = end
  }

  #verify(): void {
    if (this.#bytes !== this.#image.sizeBytes) {
      throw this.#refusal(`it ended after ${this.#bytes} of ${this.#image.sizeBytes} bytes`)
    }
    if (this.#hash !== undefined && this.#hash.hash.digest('hex') !== this.#hash.expected) {
      throw this.#refusal('its checksum does not match')
    }
  }

  #refusal(reason: string): Error {
    return ImageRefused({ id: this.#image.id, reason })
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** The image service's os_hash when we know the algorithm, else the MD5. */
function expectedHash(image: GuestImage): { hash: Hash; expected: string } | undefined {
  if (image.hashAlgorithm !== null && image.hashValue !== null && getHashes().includes(image.hashAlgorithm)) {
    return { hash: createHash(image.hashAlgorithm), expected: image.hashValue.toLowerCase() }
  }
  return image.checksum === null ? undefined : { hash: createHash('md5'), expected: image.checksum.toLowerCase() }
}
