import { join } from 'node:path'
import { Limiter } from '#base'
import { type CleaningRules, usualCleaning } from '../images/image-cleaning.ts'
import type { ProgramLimits } from '../images/qemu-img.ts'

/** How root disks and cached images are kept. Everything has Nova's default. */
export interface StorageOptions {
  /** `qcow2`: an overlay over the cached image. `flat`: a copy of it, that needs the cache no more. */
  readonly rootDisks?: 'qcow2' | 'flat'
  /** `force_raw_images`: cached images are unpacked. Without it a qcow2 stays one, and so does its copy. */
  readonly forcesRawImages?: boolean
  /** `preallocate_images = space`: the blocks of a disk are reserved when it is made. */
  readonly preallocates?: boolean
  /** `[image_cache] subdirectory_name`. */
  readonly cacheFolderName?: string
  readonly cleaning?: CleaningRules
  /** `[compute] max_concurrent_disk_ops`: copies and conversions at a time; 0 = no limit. */
  readonly maxDiskOperations?: number
  /** `snapshots_directory`, where snapshots lie until they are read; beside the guests by default. */
  readonly snapshotsPath?: string
  /** `snapshot_image_format`; null: that of the guest's disk. */
  readonly snapshotFormat?: SnapshotFormat | null
  /** `snapshot_compression`, of those in qcow2. */
  readonly compressesSnapshots?: boolean
  /** `[compute] vmdk_allowed_types`. */
  readonly vmdkTypes?: readonly string[]
  /** `[compute] image_type_exclude_list`: disk formats that this host refuses. */
  readonly excludedFormats?: readonly string[]
  /** `images_cpu_time_limit` and `images_address_space_limit`: what looking at an image may cost. */
  readonly inspectionLimits?: ProgramLimits
}

export type SnapshotFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi'

export interface Storage extends Required<StorageOptions> {
  /** Copies and conversions take their turn here. */
  readonly heavy: Limiter
}

export function storageOf(options: StorageOptions = {}, instancesPath = ''): Storage {
  const most = options.maxDiskOperations ?? 0
  return {
    rootDisks: 'qcow2',
    forcesRawImages: true,
    preallocates: false,
    cacheFolderName: '_base',
    cleaning: usualCleaning,
    maxDiskOperations: most,
    snapshotsPath: join(instancesPath, 'snapshots'),
    snapshotFormat: null,
    compressesSnapshots: false,
    vmdkTypes: ['streamOptimized', 'monolithicSparse'],
    excludedFormats: [],
    inspectionLimits: { cpuSeconds: 30 },
    heavy: new Limiter(most > 0 ? most : Number.MAX_SAFE_INTEGER),
    ...options,
  }
}
