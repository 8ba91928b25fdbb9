import { createHash, getHashes, type Hash } from 'node:crypto'
import { ImageRefused } from '../../faults.ts'
import type { GuestImage } from '../../guest-spec.ts'
import type { ImageVerifier } from '../../image-source.ts'

/** Counts and hashes the bits of one image as they come, and says at the end whether they are those of its record. */
export class ImageCheck {
  readonly #image: GuestImage
  readonly #hash: { readonly hash: Hash; readonly expected: string } | undefined
  readonly #verifier: ImageVerifier | undefined
  #bytes = 0

  constructor(image: GuestImage, verifier?: ImageVerifier) {
    this.#image = image
    this.#hash = expectedHash(image)
    this.#verifier = verifier
  }

  get bytes(): number {
    return this.#bytes
  }

  take(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    // More than promised is refused while it comes in, not after it has filled the disk.
    if (this.#bytes > this.#image.sizeBytes)
      throw this.#refusal(`it is larger than its record says (${this.#image.sizeBytes} bytes)`)
    this.#hash?.hash.update(chunk)
    this.#verifier?.update(chunk)
  }

  end(): void {
    if (this.#bytes !== this.#image.sizeBytes)
      throw this.#refusal(`it ended after ${this.#bytes} of ${this.#image.sizeBytes} bytes`)
    if (this.#hash !== undefined && this.#hash.hash.digest('hex') !== this.#hash.expected)
      throw this.#refusal('its checksum does not match')
    this.#verifier?.verify()
  }

  #refusal(reason: string): Error {
    return ImageRefused({ id: this.#image.id, reason })
  }
}

/** The image service's os_hash when we know the algorithm, else the MD5. */
function expectedHash(image: GuestImage): { hash: Hash; expected: string } | undefined {
  if (image.hashAlgorithm !== null && image.hashValue !== null && getHashes().includes(image.hashAlgorithm))
    return { hash: createHash(image.hashAlgorithm), expected: image.hashValue.toLowerCase() }
  return image.checksum === null ? undefined : { hash: createHash('md5'), expected: image.checksum.toLowerCase() }
}
