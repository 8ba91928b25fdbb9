import { declareFault } from '#base'
import type { Caller } from '../keystone/port.ts'

export const ImageNotFound = declareFault(
  'ImageNotFound',
  'missing',
  (p: { id: string }) => `Image ${p.id} could not be found.`,
)

/** The image exists but its bits cannot be had: still queued, deactivated, or gone from the store. */
export const ImageUnavailable = declareFault(
  'ImageUnacceptable',
  'refused',
  (p: { id: string; reason: string }) => `Image ${p.id} is unacceptable: ${p.reason}`,
)

export type ImageStatus =
  | 'queued'
  | 'saving'
  | 'uploading'
  | 'importing'
  | 'active'
  | 'killed'
  | 'deleted'
  | 'pending_delete'
  | 'deactivated'

export interface Image {
  readonly id: string
  readonly name: string | null
  readonly status: ImageStatus
  readonly visibility: 'public' | 'private' | 'shared' | 'community'
  readonly ownerId: string | null
  readonly diskFormat: string | null
  readonly containerFormat: string | null
  /** Null until the bits are there. */
  readonly sizeBytes: number | null
  readonly virtualSizeBytes: number | null
  readonly minDiskGiB: number
  readonly minRamMiB: number
  /** MD5 hex, as Glance calls it. */
  readonly checksum: string | null
  readonly hashAlgorithm: string | null
  readonly hashValue: string | null
  readonly isProtected: boolean
  readonly createdAtMs: number
  readonly updatedAtMs: number
  readonly tags: readonly string[]
  /** Every custom property, by its Glance name (`hw_disk_bus`, `kernel_id`, …). */
  readonly properties: Readonly<Record<string, string>>
}

/** Whom a call speaks for: a user whose rights apply, or Nova itself. */
export type As = Caller | 'service'

export interface ImagePort {
  /** `ImageNotFound` also when the caller may not see it. */
  get(as: As, id: string): Promise<Image>
  list(as: As): Promise<readonly Image[]>
  /** The bits, in order. `ImageUnavailable` unless active. The reader checks size and hash. */
  download(as: As, id: string): Promise<AsyncIterable<Uint8Array>>
  /** A local path of the bits, when this process may read the store's files directly; saves a copy. */
  localPath?(as: As, id: string): Promise<string | undefined>
}
