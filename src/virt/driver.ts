import type { InstanceId } from '#base'
import type { Connector, Inventory } from '#cloud'
import type { MachineCell, NodeDescription, PciFunction, PowerState } from '#model'
import type { CrashDump, Fencing, GuestAgent, Quiesce, Rebuild, Rescue, Shares, SuspendToDisk } from './guest-facets.ts'
import type { DiskEncryption, GuestDisk, GuestImage, GuestSpec } from './guest-spec.ts'
import type { ColdMigration, LiveMigration } from './moves.ts'

/**
 * What nova-compute asks of a hypervisor.
 *
 * A driver is a small required core and a set of optional facets. Absence of a facet *is* the capability flag: the API
 * refuses it, the scheduler never places such a request here, and no method throws "not implemented".
 *
 * Every method may be called twice with the same arguments, after a crash of this process, and must then converge.
 * Nothing here knows about sagas, task states, projects, Placement or Neutron.
 */
export interface VirtDriver {
  /** As `hypervisor_type` shows it: `QEMU` or `KVM` through libvirt, `fake`. */
  readonly hypervisorType: string
  readonly host: HostView
  /** Guests the hypervisor knows, ours or not. Cheap: no round trip per guest. */
  list(): Promise<readonly GuestSummary[]>
  guest(id: InstanceId): Guest
  /** Power changes and crashes; in order per guest, at least once. Ends when the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<GuestEvent>
  close(): Promise<void>

  readonly hotplug?: Hotplug
  readonly volumes?: Volumes
  readonly volumeSnapshots?: VolumeSnapshots
  readonly consoleLog?: ConsoleLog
  readonly snapshots?: Snapshots
  readonly consoles?: Consoles
  readonly imageCache?: ImageStock
  readonly machine?: Machine
  readonly coldMigration?: ColdMigration
  readonly liveMigration?: LiveMigration
  readonly suspendToDisk?: SuspendToDisk
  readonly rescue?: Rescue
  readonly rebuild?: Rebuild
  readonly guestAgent?: GuestAgent
  readonly quiesce?: Quiesce
  readonly crashDump?: CrashDump
  readonly records?: GuestRecords
  readonly shares?: Shares
  readonly fencing?: Fencing
}

export type { Connector, PowerState }

/** Nova's numbers for power_state by name. */
export const power = {
  noState: 0,
  running: 1,
  paused: 3,
  shutdown: 4,
  crashed: 6,
  suspended: 7,
} as const satisfies Record<string, PowerState>

export interface GuestSummary {
  readonly id: InstanceId
  /** The name the hypervisor shows, `instance-00000001`. */
  readonly name: string
  readonly power: PowerState
}

export interface GuestState {
  /** False: the hypervisor has no such guest; the other fields then say nothing. */
  readonly exists: boolean
  readonly power: PowerState
  /** It waits for its memory from another host, which still owns it. */
  readonly isIncoming?: true
}

/** A handle, not a cache: holds an id, reads live state on each call. */
export interface Guest {
  readonly id: InstanceId
  state(): Promise<GuestState>
  /**
   * Defines and, unless it shall be off, starts the guest with a disk made from the image. Running already with this id:
   * nothing to do. On failure nothing is left: no definition, no disk.
   */
  spawn(spec: GuestSpec, how?: { readonly isOn: boolean }): Promise<void>
  /** Starts a defined guest that is off; redefines it from the spec first. */
  start(spec: GuestSpec): Promise<void>
  /** Graceful: ask by ACPI, repeat, and pull the plug after the time. */
  stop(how: { gracefulMs: number } | 'now'): Promise<void>
  /** Soft returns false when the guest did not go down in time (the caller then chooses hard). */
  reboot(how: { soft: { withinMs: number } } | 'hard', spec: GuestSpec): Promise<boolean>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Stops now, removes the definition and everything on disk. Gone already: nothing to do. */
  destroy(): Promise<void>
  diagnostics(): Promise<Diagnostics>
}

/** What only the hypervisor knows of a guest, and its server should. */
export interface GuestRecord {
  /** What it was given where its image says nothing, under the names of image properties. */
  readonly properties: Readonly<Record<string, string>>
  /** `0000:00:03.0`, by MAC or by the disk's name (`vda`). */
  readonly addresses: Readonly<Record<string, string>>
}

export interface GuestRecords {
  /** Undefined: no such guest. Properties only with the spec that it was made of. */
  of(id: InstanceId, spec?: GuestSpec): Promise<GuestRecord | undefined>
}

export interface GuestEvent {
  readonly id: InstanceId
  readonly kind: 'started' | 'stopped' | 'paused' | 'suspended' | 'resumed' | 'crashed' | 'undefined'
}

/** The host as nova-compute reports it. */
export interface HostView {
  describe(): Promise<HostDescription>
  /** Absent where nobody counts. */
  processorTimes?(): Promise<ProcessorTimes>
}

/** Nanoseconds that all processors of the host together have spent since it was switched on. */
export interface ProcessorTimes {
  readonly user: number
  readonly kernel: number
  readonly idle: number
  readonly iowait: number
  readonly frequencyMHz: number
}

export interface HostDescription extends NodeDescription {
  /** Classes beyond VCPU, MEMORY_MB and DISK_GB. */
  readonly extraInventories: Readonly<Record<string, Inventory>>
  /** Its NUMA nodes; absent where guests cannot be given CPUs and memory by name. */
  readonly cells?: readonly MachineCell[]
  readonly pciFunctions?: readonly PciFunction[]
}

export interface Diagnostics {
  readonly state: 'pending' | 'running' | 'paused' | 'shutdown' | 'crashed' | 'suspended'
  readonly driver: string
  readonly hypervisor: string | null
  readonly hypervisorOs: string | null
  readonly uptimeSeconds: number | null
  readonly configDrive: boolean
  readonly cpus: readonly { id: number; timeNs: number; utilisation: number | null }[]
  readonly nics: readonly {
    mac: string
    rxOctets: number
    rxErrors: number
    rxDrop: number
    rxPackets: number
    txOctets: number
    txErrors: number
    txDrop: number
    txPackets: number
  }[]
  readonly disks: readonly {
    /** As the hypervisor names it, `vda`. */
    device?: string
    readBytes: number
    readRequests: number
    writeBytes: number
    writeRequests: number
    errors: number
  }[]
  readonly memory: {
    maximumMiB: number
    usedMiB: number
    /** What the guest's balloon tells, under libvirt's names; KiB and counts. */
    balloon?: Readonly<Record<string, number>>
  }
}

export interface Hotplug {
  attachVif(id: InstanceId, vif: GuestSpec['vifs'][number]): Promise<void>
  detachVif(id: InstanceId, mac: string): Promise<void>
}

/** Copies of a guest's root disk. */
export interface Snapshots {
  /**
   * The disk as it is at this moment, whether the guest runs, is held or is off; the guest goes on as before. Whoever
   * takes it releases it, read or not.
   */
  take(id: InstanceId, wish?: SnapshotWish): Promise<DiskSnapshot>
}

export interface SnapshotWish {
  /**
   * Whether the guest's own agent makes its file systems consistent first, `no` by default. `required`: a guest that runs
   * and cannot be quiesced is not copied.
   */
  readonly quiesce?: 'no' | 'ifPossible' | 'required'
  /** Of a guest whose root disk is encrypted: what opens the disk, and what shall open the copy. */
  readonly encryption?: { readonly disk: DiskEncryption; readonly copy: DiskEncryption }
  /** Ends a copy under way, of which nothing is left then. */
  readonly signal?: AbortSignal
}

export interface DiskSnapshot {
  /** As the image service names it: `qcow2`, `raw`, … */
  readonly diskFormat: string
  /** May be read once. */
  readonly bits: AsyncIterable<Uint8Array>
  release(): Promise<void>
}

/**
 * Volumes of guests, running or off: those of the spec at every start, and those that come and go in between. A spec with
 * volumes is for drivers that have this. A volume is known by its id; a second attach of it changes nothing.
 */
export interface Volumes {
  /** What this host must tell a volume service to be given a volume. */
  connector(): Promise<Connector>
  /** Refused when the device name is taken. */
  attach(id: InstanceId, disk: GuestDisk): Promise<void>
  /** Not there: nothing to do. */
  detach(id: InstanceId, volumeId: string): Promise<void>
  /** Copies one volume to the other under the running guest, which then has the other in its place. */
  swap(id: InstanceId, oldVolumeId: string, disk: GuestDisk): Promise<void>
  /** The volume has grown; the guest shall see it. */
  extend(id: InstanceId, volumeId: string, sizeGiB: number): Promise<void>
}

/** Snapshots of attached volumes whose files only the hypervisor can switch over (NFS and its like). */
export interface VolumeSnapshots {
  create(id: InstanceId, volumeId: string, snapshot: { readonly id: string; readonly newFile: string }): Promise<void>
  /** Merges the snapshot's file away: into its base, or the base into it. */
  remove(
    id: InstanceId,
    volumeId: string,
    snapshot: { readonly id: string; readonly fileToMerge: string | null; readonly mergeTarget: string | null },
  ): Promise<void>
}

export interface ConsoleLog {
  /** The newest bytes of the serial log; all of it (bounded by the driver) without a length in lines. */
  read(id: InstanceId, lines?: number): Promise<string>
}

export type ConsoleKind = 'vnc' | 'spice' | 'serial' | 'mks'

/** Where a console proxy finds the console of a guest, seen from the host itself. */
export interface ConsolePoint {
  readonly host: string
  /** -1 while the guest is off, as libvirt says it. */
  readonly port: number
  readonly tlsPort: number | null
  /** What the proxy must name before the console speaks; null: nothing. */
  readonly internalAccessPath: string | null
}

export interface Consoles {
  /** Undefined: this guest has no console of the kind. */
  find(id: InstanceId, kind: ConsoleKind): Promise<ConsolePoint | undefined>
}

/** Images that the host keeps, so that guests made from them need not wait. */
export interface ImageStock {
  /** True when it had to be fetched, false when it was there. */
  fetch(image: GuestImage): Promise<boolean>
  /** Removes those that no guest has used for as long as the operator said. */
  clean(): Promise<void>
  /** What they take of the disk that guests have. */
  usedBytes(): Promise<number>
}

export type MachineAction = 'startup' | 'shutdown' | 'reboot'

/** The host itself, for hypervisors that can switch it. */
export interface Machine {
  act(action: MachineAction): Promise<void>
  /** In maintenance it is kept free of guests by whoever asked for it. */
  maintain(isOn: boolean): Promise<void>
}
