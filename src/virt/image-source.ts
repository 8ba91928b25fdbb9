import type { GuestImage } from './guest-spec.ts'

/** Where a driver gets image bits from; nova-compute passes an adapter of the image service's port. */
export interface ImageSource {
  download(image: GuestImage): Promise<AsyncIterable<Uint8Array>>
  /** A readable local file with exactly the image's bits, if there is one. */
  localPath?(image: GuestImage): Promise<string | undefined>
  /** Sees all bits of an image before it is used; undefined when nobody asks for a signature. */
  verifier?(image: GuestImage): Promise<ImageVerifier | undefined>
}

/** Whether somebody who is trusted has signed exactly these bits. */
export interface ImageVerifier {
  update(chunk: Uint8Array): void
  /** Throws when the signature is not that of what came. */
  verify(): void
}
