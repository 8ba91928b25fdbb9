import type { GuestImage } from './guest-spec.ts'

/** Where a driver gets image bits from; nova-compute passes an adapter of the image service's port. */
export interface ImageSource {
  download(image: GuestImage): Promise<AsyncIterable<Uint8Array>>
  /** A readable local file with exactly the image's bits, if there is one. */
  localPath?(image: GuestImage): Promise<string | undefined>
}
