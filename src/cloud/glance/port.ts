import type { Caller } from '../keystone/port.ts'

export * from './faults.ts'

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

/** A new image: only its record, `queued`; the bits follow. It belongs to the caller's project. */
export interface NewImage {
  readonly name: string
  readonly visibility: Image['visibility']
  /** False by default. */
  readonly isProtected?: boolean
  /** Null: known when the bits come. */
  readonly diskFormat: string | null
  readonly containerFormat: string | null
  readonly minDiskGiB: number
  readonly minRamMiB: number
  readonly properties: Readonly<Record<string, string>>
}

/** What is not named stays as it is. */
export interface ImageChange {
  readonly diskFormat?: string
  readonly containerFormat?: string
  /** Set, whether they exist or not. */
  readonly properties?: Readonly<Record<string, string>>
  /** Custom properties to take away; those that are not there already are no failure. */
  readonly without?: readonly string[]
}

/** All given conditions hold. Words are the user's own: what Glance cannot read is `ImageInvalid`. */
export interface ImageQuery {
  readonly name?: string
  readonly status?: string
  readonly minDisk?: string
  readonly minRam?: string
  /** ISO time: changed then or later. */
  readonly changesSince?: string
  readonly properties?: Readonly<Record<string, string>>
  readonly limit?: number
  /** Id of the last image of the page before. */
  readonly marker?: string
}

/** `ImageNotFound` also when the caller may not see it; `ImageNotAuthorized` when he may see it and no more. */
export interface ImagePort {
  get(as: As, id: string): Promise<Image>
  /** Newest first. */
  list(as: As, query?: ImageQuery): Promise<readonly Image[]>
  /** The bits, in order. `ImageUnavailable` unless active. The reader checks size and hash. */
  download(as: As, id: string): Promise<AsyncIterable<Uint8Array>>
  /** A local path of the bits, when this process may read the store's files directly; saves a copy. */
  localPath?(as: As, id: string): Promise<string | undefined>
  create(as: As, image: NewImage): Promise<Image>
  update(as: As, id: string, change: ImageChange): Promise<Image>
  /** Fills a queued image, which is active then. `ImageNotFound` when it is deleted meanwhile. */
  upload(as: As, id: string, bits: AsyncIterable<Uint8Array>): Promise<void>
  remove(as: As, id: string): Promise<void>
  /** Lets another project use a shared image; done already: nothing to do. */
  share(as: As, id: string, projectId: string): Promise<void>
}
