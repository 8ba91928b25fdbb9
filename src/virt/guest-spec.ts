import type { InstanceId } from '#base'
import type { InstanceImage } from '#model'

/**
 * Everything a driver needs to make one guest, resolved: no ids of other services to look up. Serialisable, so that it
 * may cross the bus.
 */
export interface GuestSpec {
  readonly id: InstanceId
  /** `instance-00000001`: Nova's instance_name_template. */
  readonly name: string
  readonly displayName: string
  readonly projectId: string
  readonly projectName: string | null
  readonly userId: string
  readonly userName: string | null
  readonly createdAtMs: number
  readonly flavor: {
    readonly id: string
    readonly name: string
    readonly vcpus: number
    readonly memoryMiB: number
    readonly rootGiB: number
    readonly ephemeralGiB: number
    readonly swapMiB: number
    readonly extraSpecs: Readonly<Record<string, string>>
  }
  readonly image: GuestImage
  readonly vifs: readonly GuestVif[]
  /** For the first spawn only: the guest keeps its drive until it is removed, whatever later specs say. */
  readonly configDrive?: GuestConfigDrive
}

/** Holds the guest's first password: a driver writes the files to the drive and nowhere else. */
export interface GuestConfigDrive {
  /** A CD-ROM, or a disk. */
  readonly format: 'iso9660' | 'vfat'
  readonly files: readonly GuestFile[]
}

export interface GuestFile {
  /** Relative to the drive's root, with `/`. */
  readonly path: string
  readonly base64: string
}

/** The image as the server's record keeps it. */
export type GuestImage = InstanceImage

export interface GuestVif {
  readonly portId: string
  readonly mac: string
  /** `bridge`: a tap named `devName` on `bridge`. */
  readonly kind: 'bridge'
  readonly bridge: string
  /** `tap` + first 11 characters of the port id. */
  readonly devName: string
  readonly mtu: number
  /** `virtio` unless hw_vif_model says otherwise. */
  readonly model: string
}
