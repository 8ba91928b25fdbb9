import type { ImageStatus } from '#cloud'

export type Visibility = 'public' | 'private' | 'shared' | 'community'

/** One image; times in milliseconds, flags 0 or 1. A deleted image has no row. */
export interface ImageRow {
  readonly id: string
  readonly name: string | null
  readonly status: ImageStatus
  readonly visibility: Visibility
  readonly owner: string | null
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly size_bytes: number | null
  readonly virtual_size_bytes: number | null
  readonly min_disk_gib: number
  readonly min_ram_mib: number
  readonly checksum: string | null
  readonly hash_algorithm: string | null
  readonly hash_value: string | null
  readonly is_protected: number
  readonly is_hidden: number
  readonly created_at_ms: number
  readonly updated_at_ms: number
  /** JSON list of strings. */
  readonly tags: string
  /** JSON object of strings. */
  readonly properties: string
  /** Of the bits, inside the folder of images; null while there are none. */
  readonly file_name: string | null
}

export interface MemberRow {
  readonly image_id: string
  /** A project. */
  readonly member_id: string
  readonly status: 'pending' | 'accepted' | 'rejected'
  readonly created_at_ms: number
  readonly updated_at_ms: number
}

export interface ImageTables {
  image_images: ImageRow
  image_members: MemberRow
}
