import type { InstanceId } from '#base'
import type { InstanceKey, Vif, VifSubnet } from '#model'

export type DeviceBus = 'pci' | 'usb' | 'scsi' | 'ide' | 'xen' | 'none'

interface DevicePlace {
  readonly bus: DeviceBus
  /** `0000:00:03.0` and the like; null when not known. */
  readonly address: string | null
  readonly tags: readonly string[]
}

/** Devices as they were when the guest was last defined, or after a tagged attach or detach. */
export type MetadataDevice = DevicePlace &
  (
    | { readonly kind: 'nic'; readonly mac: string; readonly vlan: number | null; readonly isTrusted: boolean }
    | { readonly kind: 'disk'; readonly serial: string | null; readonly path: string | null }
    | { readonly kind: 'share'; readonly shareId: string; readonly tag: string }
  )

export interface MetadataSubnet extends VifSubnet {
  /** Neutron's ipv6_address_mode. */
  readonly ipv6AddressMode?: 'slaac' | 'dhcpv6-stateful' | 'dhcpv6-stateless' | null
}

export interface MetadataVif extends Vif {
  readonly subnets: readonly MetadataSubnet[]
}

/** What a guest may know about itself. A `Vif` of the model fits where a `MetadataVif` is asked for. */
export interface InstanceMetadata {
  readonly id: InstanceId
  readonly projectId: string
  readonly displayName: string
  readonly hostname: string
  readonly launchIndex: number
  readonly reservationId: string
  readonly availabilityZone: string | null
  readonly flavorName: string
  readonly securityGroups: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
  readonly key: InstanceKey | null
  /** Base64, as given at create. */
  readonly userData: string | null
  /** For vendor data services; null for a server that boots from a volume. */
  readonly imageId: string | null
  /** Roles of the user who made the server. */
  readonly bootRoles: readonly string[]
  readonly vifs: readonly MetadataVif[]
  readonly devices: readonly MetadataDevice[]
  readonly dedicatedCpus: readonly number[]
  /** Running numbers behind EC2's ids: `i-%08x`, `ami-%08x`, `aki-%08x`, `ari-%08x`. */
  readonly ec2: {
    readonly instance: number
    readonly image: number | null
    readonly kernel: number | null
    readonly ramdisk: number | null
  }
  /** Device names, `/dev/vda`. */
  readonly disks: {
    readonly root: string | null
    readonly volumes: readonly string[]
    readonly ephemerals: readonly string[]
    readonly swap: string | null
  }
  /** What the guest posted, encrypted with the key pair; empty when nothing was. */
  readonly password: string
}

/** Where guests of one network, or of the networks of one router, ask. */
export interface Door {
  readonly kind: 'network' | 'router'
  readonly id: string
}

/** Where the service finds whose metadata to show. Undefined means: nobody we know, a 404. */
export interface MetadataSource {
  /**
   * By connection: the door it came in by, and the guest's address. Two networks may use the same addresses, so without
   * a door nobody is known.
   */
  idByAddress(door: Door | undefined, remote: string): Promise<string | undefined>
  byInstanceId(id: string): Promise<InstanceMetadata | undefined>
  /** Keeps the password if the instance has none yet; false when it had one. */
  savePassword(id: InstanceId, password: string): Promise<boolean>
  /** Behind a load balancer that names itself (X-Metadata-Provider): the one port with that address on its networks. */
  byProvider?(provider: string, address: string): Promise<{ instanceId: string; projectId: string } | undefined>
}
