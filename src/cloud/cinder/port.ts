import { declareFault } from '#base'
import type { As } from '../glance/port.ts'

export const VolumeNotFound = declareFault(
  'VolumeNotFound',
  'missing',
  (p: { id: string }) => `Volume ${p.id} could not be found.`,
)
export const SnapshotNotFound = declareFault(
  'SnapshotNotFound',
  'missing',
  (p: { id: string }) => `Snapshot ${p.id} could not be found.`,
)
export const VolumeTypeNotFound = declareFault(
  'VolumeTypeNotFound',
  'missing',
  (p: { id: string }) => `Volume type ${p.id} could not be found.`,
)
export const VolumeAttachmentNotFound = declareFault(
  'VolumeAttachmentNotFound',
  'missing',
  (p: { id: string }) => `Volume attachment ${p.id} could not be found.`,
)
/** What a new volume was to be made of does not exist; the volume service says what. */
export const VolumeSourceNotFound = declareFault('NotFound', 'missing', (p: { reason: string }) => p.reason)
/** Nova's own judgement about a volume: wrong status, wrong zone, not attached. */
export const InvalidVolume = declareFault(
  'InvalidVolume',
  'refused',
  (p: { reason: string }) => `Invalid volume: ${p.reason}`,
)
/** The volume service understood and refused; the reason is its own sentence. */
export const VolumeInputRefused = declareFault(
  'InvalidInput',
  'refused',
  (p: { reason: string }) => `Invalid input received: ${p.reason}`,
)
export const VolumeForbidden = declareFault('Forbidden', 'refused', (p: { reason: string }) => p.reason, 403)
/** The volume service's quota, in its words. */
export const VolumeOverQuota = declareFault('OverQuota', 'refused', (p: { reason: string }) => p.reason, 413)
/** Somebody else uses what was to be taken away, or changed it in between. */
export const VolumeConflict = declareFault('VolumeConflict', 'conflict', (p: { reason: string }) => p.reason)
export const CinderConnectionFailed = declareFault(
  'CinderConnectionFailed',
  'transient',
  (p: { reason: string }) => `Connection to cinder host failed: ${p.reason}`,
  500,
)

export const CinderVersionUnavailable = declareFault(
  'CinderAPIVersionNotAvailable',
  'final',
  (p: { version: string }) => `Cinder API version ${p.version} is not available.`,
)

/** `available`, `reserved`, `attaching`, `in-use`, `detaching`, `error`, … : Cinder adds new ones at will. */
export type VolumeStatus = string

export interface Volume {
  readonly id: string
  readonly status: VolumeStatus
  readonly sizeGiB: number
  readonly name: string | null
  readonly description: string | null
  readonly projectId: string | null
  readonly availabilityZone: string
  readonly createdAtMs: number
  readonly isMultiattach: boolean
  readonly isBootable: boolean
  readonly isEncrypted: boolean
  /** Its name; Cinder does not show the id. */
  readonly volumeType: string | null
  readonly snapshotId: string | null
  readonly sourceVolumeId: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** What it has from the image it was made of: `image_id`, `min_ram`, `hw_disk_bus`, …; empty without one. */
  readonly imageMetadata: Readonly<Record<string, string>>
  readonly migrationStatus: string | null
  /** Only those that are attached, as Cinder shows them. */
  readonly attachments: readonly {
    readonly attachmentId: string
    readonly serverId: string | null
    readonly device: string | null
    readonly hostName: string | null
  }[]
}

export interface VolumeRequest {
  readonly name: string
  readonly description?: string | null
  readonly sizeGiB?: number
  readonly imageId?: string
  readonly snapshotId?: string
  readonly sourceVolumeId?: string
  /** Name or id. */
  readonly volumeType?: string | null
  readonly availabilityZone?: string | null
  readonly metadata?: Readonly<Record<string, string>>
}

export interface VolumeSnapshot {
  readonly id: string
  readonly status: string
  readonly progress: string | null
  readonly volumeId: string
  readonly sizeGiB: number
  readonly name: string | null
  readonly description: string | null
  readonly projectId: string | null
  readonly createdAtMs: number
}

export interface VolumeType {
  readonly id: string
  readonly name: string
}

/** The host that wants a volume. `mountpoint` is the device name in the guest, `mode` is `rw` or `ro`. */
export interface Connector {
  readonly host: string
  readonly mountpoint?: string
  readonly mode?: 'rw' | 'ro'
  readonly [property: string]: unknown
}

/**
 * How a host reaches a volume. Built-in: type `local`, `data.device_path` the absolute path of the raw file,
 * `data.format` `raw`, `data.access_mode` `rw` or `ro`.
 */
export interface ConnectionInfo {
  readonly driverVolumeType: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface VolumeAttachment {
  readonly id: string
  readonly volumeId: string
  readonly serverId: string | null
  readonly status: 'reserved' | 'attaching' | 'attached' | 'detached' | 'error_attaching' | string
  /** Undefined until a connector was given. */
  readonly connection: ConnectionInfo | undefined
}

/**
 * Cinder, as far as Nova uses it. An attachment is the one way to a volume: made without a connector it reserves the
 * volume for a server, with one it gives the connection, `complete` says the guest has it, `delete` gives it back.
 */
export interface VolumePort {
  /** `VolumeNotFound` also when the caller may not see it. */
  get(as: As, id: string): Promise<Volume>
  /** Of the caller's project; of every project as `service`. */
  list(as: As): Promise<readonly Volume[]>
  /** Returns at once with status `creating`. `VolumeSourceNotFound`, `VolumeOverQuota`, `VolumeInputRefused`. */
  create(as: As, request: VolumeRequest): Promise<Volume>
  /** Asked for, not done: it is gone when `get` says so. */
  delete(as: As, id: string): Promise<void>

  getSnapshot(as: As, id: string): Promise<VolumeSnapshot>
  listSnapshots(as: As): Promise<readonly VolumeSnapshot[]>
  /** `isForced`: also of a volume in use. */
  createSnapshot(
    as: As,
    request: { volumeId: string; name: string | null; description: string | null; isForced: boolean },
  ): Promise<VolumeSnapshot>
  deleteSnapshot(as: As, id: string): Promise<void>
  /** For snapshots that the hypervisor makes or deletes. */
  updateSnapshotStatus(as: As, id: string, status: string): Promise<void>

  listTypes(as: As): Promise<readonly VolumeType[]>
  /** Of an encrypted volume: provider, cipher, key size, control location and key id; else empty. */
  encryption(as: As, volumeId: string): Promise<Readonly<Record<string, unknown>>>
  /** Of the caller's project: `maxTotalVolumes`, `totalVolumesUsed`, … by Cinder's names. */
  limits(as: As): Promise<Readonly<Record<string, number>>>

  /** Refused unless the volume is `available` (or multiattach): the volume becomes `reserved`, or `attaching`. */
  createAttachment(
    as: As,
    request: { volumeId: string; serverId: string; connector?: Connector },
  ): Promise<VolumeAttachment>
  updateAttachment(as: As, id: string, connector: Connector): Promise<VolumeAttachment>
  /** The volume is `in-use` afterwards. */
  completeAttachment(as: As, id: string): Promise<void>
  /** Deleting one that is gone is no error. */
  deleteAttachment(as: As, id: string): Promise<void>
  getAttachment(as: As, id: string): Promise<VolumeAttachment>
  /** All that a volume has, or a server, reserved ones too: an interrupted saga finds by it what it has made. */
  attachments(
    as: As,
    filter: { readonly volumeId?: string; readonly serverId?: string },
  ): Promise<readonly VolumeAttachment[]>
  /** `in-use` to `detaching`, so that nobody else detaches too; `rollDetaching` takes it back. */
  beginDetaching(as: As, volumeId: string): Promise<void>
  rollDetaching(as: As, volumeId: string): Promise<void>

  /** The content becomes the image's. Cinder tells the end by the external event `volume-reimaged`. */
  reimage(as: As, id: string, imageId: string, options: { isReserved: boolean }): Promise<void>
  /** The guest has (not) seen the new size of its volume. */
  completeExtend(as: As, id: string, outcome: { isFailed: boolean }): Promise<void>
  /** After a swap: `newId` takes the place of `oldId`; returns the id to keep. */
  completeMigration(as: As, oldId: string, newId: string, outcome: { isFailed: boolean }): Promise<string>
}
