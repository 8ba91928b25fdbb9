import type { Clock, Log } from '#base'
import type { Client, ComputeContract, ConductorContract } from '#bus'
import type {
  BaremetalPort,
  IdentityPort,
  ImagePort,
  KeyPort,
  NetworkPort,
  PlacementPort,
  SharePort,
  VolumePort,
} from '#cloud'
import type { DeviceEncryptionOptions } from '#model'
import type { Notices } from '#notify'
import type { Cell, Store } from '#store'
import type { ApiCells, CellListOptions } from './cells.ts'
import type { QuotaSource } from './quota/index.ts'

/** The options of nova.conf that the API reads, by meaning. */
export interface ApiSettings {
  /** Zone of hosts in no zone aggregate; `default_availability_zone`. */
  readonly defaultZone: string
  /** Zone shown for services other than nova-compute; `internal_service_availability_zone`. */
  readonly internalZone: string
  /** Zone of servers that name none; `default_schedule_zone`. */
  readonly defaultScheduleZone: string | null
  readonly serviceDownTimeMs: number
  /** `[api] enable_instance_password`. */
  readonly showsAdminPassword: boolean
  /** `[libvirt] rescue_image_id`: what a server is rescued with when the request names nothing. */
  readonly rescueImageId: string | null
  /** `[api] max_limit`. */
  readonly maxLimit: number
  /** `password_length`. */
  readonly passwordLength: number
  /** `reclaim_instance_interval`; 0 = delete at once. */
  readonly reclaimMs: number
  readonly forceConfigDrive: boolean
  /** `[neutron] default_floating_pool`. */
  readonly defaultFloatingPool: string
  /** `allow_resize_to_same_host`. */
  readonly allowsResizeToSameHost: boolean
  /** `[cinder] cross_az_attach`: volumes of another zone than the server's may be attached. */
  readonly crossesZonesToAttach: boolean
  /** `[api] glance_link_prefix`: base of links to images. */
  readonly glanceLinkPrefix: string | null
  /** `non_inheritable_image_properties`: what a snapshot does not take over from the server's image. */
  readonly nonInheritableImageProperties: readonly string[]
  /** `instance_usage_audit_period`. */
  readonly usageAuditPeriod: string
  /** `[pci] alias`: names by which flavors ask for devices. */
  readonly pciAliases?: readonly string[]
  /** `max_local_block_devices`; -1 = unlimited. */
  readonly maxLocalDevices: number
  /** `[compute] max_disk_devices_to_attach`; -1 = unlimited. */
  readonly maxDiskDevices: number
  /** `[cinder] cross_az_attach`: a server may have volumes of other zones than its own. */
  readonly mixesZones: boolean
  /** `[ephemeral_storage_encryption]`, where it is enabled: local disks of all new servers are encrypted so. */
  readonly encryptsDisks?: DeviceEncryptionOptions
  /** Where there are several cells; absent: Nova's defaults. */
  readonly cellLists?: CellListOptions
}

/** What every handler of the Compute API works with. */
export interface ApiDeps {
  readonly store: Store
  /** Absent: there is one. See `severalCells`. */
  readonly cells?: ApiCells
  /** Which one these are of; absent for home's. */
  readonly cell?: Cell
  /** It cannot be asked: what is known of the server is what the API's database says; the rest is home's. */
  readonly away?: Cell
  readonly identity: IdentityPort
  readonly images: ImagePort
  readonly network: NetworkPort
  readonly placement: PlacementPort
  readonly volumes: VolumePort
  readonly shares: SharePort
  readonly keys: KeyPort
  readonly baremetal: BaremetalPort
  readonly quotas: QuotaSource
  readonly conductor: Client<ConductorContract>
  readonly computeOn: (host: string) => Client<ComputeContract>
  readonly clock: Clock
  readonly log: Log
  readonly settings: ApiSettings
  /** Others are told of what happens. */
  readonly notices: Notices
}
