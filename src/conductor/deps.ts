import type { Clock, Log } from '#base'
import type { Bus } from '#bus'
import type {
  ImagePort,
  KeyPort,
  NetworkCapacity,
  NetworkPort,
  PlacementPort,
  SharePort,
  VifPlugger,
  VolumePort,
} from '#cloud'
import type { LaunchSecret } from '#model'
import type { Notices } from '#notify'
import type { Cell, CellDirectory, Store } from '#store'
import type { GuestConfigDrive } from '#virt'

/** `[instance_ha]`. */
export interface InstanceHaOptions {
  /** Of hosts that no aggregate says anything of. */
  readonly defaultPolicy: HaPolicy
  readonly fenceCommand: string | null
  readonly fenceTimeoutMs: number
  readonly marginMs: number
  readonly retryMs: number
  readonly mostEvacuations: number
}

/** What becomes of the servers of a host that is lost. */
export type HaPolicy = 'none' | 'evacuate'

export interface ConductorOptions {
  /** Absent: lost hosts are the operator's. */
  readonly instanceHa?: InstanceHaOptions
  /** A service that has not been heard of for this long is down; nova.conf `service_down_time`. */
  readonly serviceDownTimeMs: number
  /** Zone of hosts in no zone aggregate; `default_availability_zone`. */
  readonly defaultZone: string
  /** Between two rounds of the audit; none: never. `[conductor] audit_interval`. */
  readonly auditMs?: number
  /** A build that takes longer has failed; `instance_build_timeout`, absent: never. */
  readonly buildTimeoutMs?: number
  /** A reboot that takes longer becomes a hard one; `reboot_timeout`, absent: never. */
  readonly rebootTimeoutMs?: number
  /** Between two refreshes of one server's interfaces; `heal_instance_info_cache_interval`, absent: never. */
  readonly networkRefreshMs?: number
  /** Whether failed builds count against their hosts; `[compute] consecutive_build_service_disable_threshold`. */
  readonly countsFailedBuilds?: boolean
  /** Between heartbeats; `report_interval`. */
  readonly reportMs: number
  /** How long a service of ours that does not answer is waited for; `rpc_response_timeout`, within bounds. */
  readonly patienceMs: number
  /** How long a guest may take to shut down when asked; `[compute]… shutdown_timeout` (60 s). */
  readonly shutdownTimeoutMs: number
  /** `[image_cache] precache_concurrency`: hosts that fetch images ahead at a time; 1 unless set. */
  readonly precacheHosts?: number
  /** `shelved_offload_time`: how long a shelved server stays on its host; 0 = not at all, below = for ever. */
  readonly shelvedOffloadMs: number
  /** `shelved_poll_interval`: between two looks for shelved servers whose time is over; none without it. */
  readonly shelvedPollMs?: number
  /** `reclaim_instance_interval`; absent: deleted servers are not kept. */
  readonly reclaimMs?: number
  /** `rescue_timeout`; absent: a rescue ends when somebody asks for it. */
  readonly rescueMs?: number
  /** `[libvirt] rescue_kernel_id` and `rescue_ramdisk_id`: what servers are rescued with instead of their own. */
  readonly rescueKernel?: { readonly kernelId: string | null; readonly ramdiskId: string | null }
  /** A resize that nobody has confirmed for this long is confirmed; `resize_confirm_window`, 0 = never. */
  readonly resizeConfirmMs: number
  /** Other targets that a live migration tries; `migrate_max_retries`, -1 = all. */
  readonly migrateMaxRetries: number
  /** `[workarounds] skip_hypervisor_version_check_on_lm`: running guests may move to an older hypervisor. */
  readonly allowsOlderHypervisor?: boolean
  /** At a time from one host; `max_concurrent_live_migrations`, 0 = any number. */
  readonly maxLiveMigrations: number
  /** `instance_usage_audit_period`, where `instance_usage_audit` is on. */
  readonly usageAuditPeriod?: string
  /** `[notifications] outbox_limit`. */
  readonly mostEvents?: number
  /** Between two looks at the use of volumes; `volume_usage_poll_interval`, absent: never. */
  readonly volumeUsageMs?: number
  /** How long a volume may take to be made; `block_device_allocate_retries` times its interval. */
  readonly volumePatienceMs: number
  /** Between two looks at a volume that is being made; `block_device_allocate_retries_interval`. */
  readonly volumePollMs: number
  /** How long a share may take to be open to its host; `[manila] share_apply_policy_timeout`, 0 = no wait. */
  readonly sharePolicyMs: number
  /** `[cinder] cross_az_attach`: a server may have volumes of other zones than its own. */
  readonly mixesZones: boolean
}

/**
 * What a config drive of this instance holds now: the documents of the metadata service, and what only a drive tells.
 * The answer goes to the host that spawns the guest, and nowhere else.
 */
export type ConfigDriveSource = (instanceId: string, secret: LaunchSecret | undefined) => Promise<GuestConfigDrive>

/** The cells, to a conductor of one of them. */
export interface ConductorCells {
  readonly directory: CellDirectory
  /** The one whose sagas it runs. */
  readonly own: Cell
  /** What a conductor of that cell works with. */
  depsIn(cell: Cell): Promise<ConductorDeps>
  /** Somebody in that cell is told of a saga. */
  wake(cell: Cell, sagaId: string): Promise<void>
}

/** What sagas and reconcilers work with. */
export interface ConductorDeps {
  readonly store: Store
  readonly bus: Bus
  readonly placement: PlacementPort
  readonly network: NetworkPort
  readonly images: ImagePort
  readonly volumes: VolumePort
  readonly shares: SharePort
  /** Secrets of servers. */
  readonly keys: KeyPort
  /** Where the built-in network does the wiring; absent when the hosts' own agents do. */
  readonly plugger: VifPlugger | undefined
  /** Where the built-in network tells placement how much of it each host has. */
  readonly networkCapacity?: NetworkCapacity
  readonly configDrive: ConfigDriveSource
  /** Nodes whose count of failed builds is not 0, as far as this process has heard. */
  readonly failingNodes?: Set<string>
  readonly clock: Clock
  readonly log: Log
  readonly options: ConductorOptions
  /** Absent: there is one cell. */
  readonly cells?: ConductorCells
  /** Who is told of what happens; absent: nobody. */
  readonly notices?: Notices
}
