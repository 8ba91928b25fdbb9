import type { InstanceId } from '#base'
import type { ConnectionInfo } from '#cloud'
import type { FittedTopology, InstanceImage, PciType, ShareProtocol } from '#model'

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
  /** Of a guest that boots from a volume: what the volume has from the image it was made of. */
  readonly image: GuestImage
  /** Every disk, the root first; local ones are made at the first spawn, volumes are there already. */
  readonly disks: readonly GuestDisk[]
  readonly vifs: readonly GuestVif[]
  /** CPUs, pages and memory nodes that it has of its host by name; absent: the host decides. */
  readonly numa?: GuestNuma
  readonly hostDevices?: readonly GuestHostDevice[]
  /** Mounted on the host before it starts. */
  readonly shares?: readonly GuestShare[]
  /** For the first spawn only: the guest keeps its drive until it is removed, whatever later specs say. */
  readonly configDrive?: GuestConfigDrive
  /** Of a guest with a TPM: what its state on the host's disk is encrypted with. */
  readonly tpmSecret?: GuestSecret
  /** Of an image without a boot loader: what the hypervisor boots. */
  readonly directBoot?: { readonly kernel: GuestImage; readonly ramdisk: GuestImage | null }
}

/** A driver hands it to the hypervisor and keeps it nowhere else. */
export interface GuestSecret {
  readonly id: string
  readonly base64: string
}

export interface GuestNuma extends FittedTopology {
  /** Nodes of the host with the CPUs that guests share there. */
  readonly hostCells: readonly {
    readonly id: number
    readonly sharedCpus: readonly number[]
    readonly smallestPageKiB: number
  }[]
}

/** A PCI device of the host that the guest has for itself. */
export interface GuestHostDevice {
  /** `0000:81:00.1` */
  readonly address: string
  readonly type: PciType
  readonly numaNode: number | null
  readonly vendorId: string
  readonly productId: string
  /** The hypervisor takes it from the host's driver, and gives it back. */
  readonly isManaged: boolean
  readonly alias: string | null
  readonly interfaceName: string | null
  /** The port that it is the card of; then it is one of the guest's interfaces. */
  readonly portId: string | null
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
export interface GuestImage extends InstanceImage {
  /** Certificates of which one must vouch for the image's signature; none: as the host sees fit. */
  readonly trustedCertificates?: readonly string[]
  /** Of an image whose contents are encrypted: what opens it. */
  readonly encryption?: DiskEncryption
}

/** A disk that nobody can read without the passphrase. */
export interface DiskEncryption {
  readonly format: 'luks'
  /** The passphrase's id in the key manager, by which the hypervisor knows it too. */
  readonly secretId: string
  /** `aes-xts-plain64`, and the bits of its key; absent: the usual one. */
  readonly cipher?: string
  readonly keyBits?: number
  /** The passphrase; only on the way to a hypervisor. */
  readonly base64?: string
}

/** One disk of a guest. */
export interface GuestDisk {
  /** Stable for the life of the disk. */
  readonly id: string
  readonly kind: 'image' | 'ephemeral' | 'swap' | 'volume'
  /** `/dev/vdb`. */
  readonly deviceName: string
  /** Null: the hypervisor's usual one. */
  readonly bus: string | null
  /** `disk`, `cdrom`, … */
  readonly deviceType: string
  /** 0 = root, above = further boot devices, null = not booted from. */
  readonly bootIndex: number | null
  /** GiB; MiB for swap. */
  readonly size: number
  /** File system of an ephemeral disk, when somebody asked for one. */
  readonly format: string | null
  readonly tag: string | null
  /** Exactly for `volume`. */
  readonly volume: GuestVolume | null
  /** Of a local disk that lies encrypted on its host. */
  readonly encryption?: DiskEncryption
}

export interface GuestVolume {
  /** The guest sees it as the disk's serial number. */
  readonly id: string
  readonly connection: ConnectionInfo
  /** Other guests may have it at the same time. */
  readonly isShared?: true
  /** Of one whose contents are encrypted for the hypervisor to open. */
  readonly encryption?: VolumeEncryption
}

export interface VolumeEncryption {
  /** `luks`, `luks2`, `plain`, or a class of older releases. */
  readonly provider: string
  /** In the key manager. */
  readonly keyId: string
  /** `aes-xts-plain64` */
  readonly cipher: string | null
  readonly keySizeBits: number | null
  /** The key; only on the way to a hypervisor. */
  readonly base64?: string
}

/** A file share of the host that the guest finds as a file system under the tag. */
export interface GuestShare {
  readonly id: string
  readonly tag: string
  readonly protocol: ShareProtocol
  /** `host:/path`, as its protocol writes it; a path alone is a folder of this host. */
  readonly exportLocation: string
  /** The Ceph user it is opened to; null: it is opened to the host's address. The key is secret. */
  readonly user: { readonly name: string; readonly key: string } | null
}

/** `hostdev`: the guest has the function itself; `direct`: a macvtap of its own over it. */
export interface GuestCard {
  readonly kind: 'hostdev' | 'direct'
  readonly address: string
  /** The host's name for it; a macvtap goes over that. */
  readonly interfaceName: string | null
  readonly isManaged: boolean
  /** That the card puts on and takes off. */
  readonly vlan: number | null
}

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
  /** The function of a card that it is, instead of a tap. */
  readonly card?: GuestCard
  /** As the definition tells of them; nothing hangs on it. */
  readonly addresses?: readonly {
    readonly type: 'fixed' | 'floating'
    readonly address: string
    readonly version: 4 | 6
  }[]
}
