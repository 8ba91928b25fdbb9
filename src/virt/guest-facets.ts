import type { InstanceId } from '#base'
import type { GuestConfigDrive, GuestImage, GuestShare, GuestSpec } from './guest-spec.ts'

/** What a hypervisor may be able to do with one guest beyond the core. All of it converges when it is asked twice. */

/** The guest's memory on disk: it takes nothing of the host but that, and goes on where it stopped. */
export interface SuspendToDisk {
  /** Of a guest that runs or is paused. Suspended already: nothing to do. */
  suspend(id: InstanceId): Promise<void>
  /** Running already: nothing to do. A guest that has no saved memory any more boots instead. */
  resume(id: InstanceId, spec: GuestSpec): Promise<void>
}

export interface RescueWish {
  /** What the guest boots instead of its own disk, which it finds beside it. */
  readonly image: GuestImage
  /** Replaces the guest's own drive as long as it is rescued: it carries the rescue password. */
  readonly configDrive?: GuestConfigDrive
  /** How long the guest may take to shut down before. */
  readonly gracefulMs: number
  /** All disks keep their places, the rescue disk comes last. Without it the rescue disk is the first one. */
  readonly stable: { readonly device: 'disk' | 'cdrom' | 'floppy'; readonly bus: string | null } | null
  /** The kernel that the guest is rescued with; without it its own, if it has one. */
  readonly directBoot?: NonNullable<GuestSpec['directBoot']>
}

export interface Rescue {
  /** Rescued already with this image and running: nothing to do. */
  enter(id: InstanceId, spec: GuestSpec, wish: RescueWish): Promise<void>
  /** Boots from its own disk again, and leaves nothing of the rescue. Not rescued and running: nothing to do. */
  leave(id: InstanceId, spec: GuestSpec): Promise<void>
}

export interface Rebuild {
  /**
   * Makes the guest anew from the spec's image and config drive and runs it. Its root disk is lost; so are its ephemeral
   * disks unless they shall be kept. Also for a guest that is not there any more.
   */
  rebuild(spec: GuestSpec, how: { readonly keepsEphemeral: boolean; readonly gracefulMs: number }): Promise<void>
}

/** A program inside the guest that does what it is told from outside. */
export interface GuestAgent {
  /** Throws `AgentNotEnabled` for a guest without one, `GuestInWrongState` unless it runs. */
  setPassword(id: InstanceId, user: string, password: string): Promise<void>
}

/** The guest's file systems held still by its own agent, while somebody else copies what they lie on. */
export interface Quiesce {
  /**
   * Throws, and nothing is frozen, unless the agent has done it. Thawed by itself after the time, and by whoever comes
   * after us when we die. Frozen already: for that long from now.
   */
  freeze(id: InstanceId, atMostMs: number): Promise<void>
  /** Not frozen: nothing to do. */
  thaw(id: InstanceId): Promise<void>
}

export interface CrashDump {
  /** A non-maskable interrupt; what the guest makes of it is its own affair. Throws `GuestNotRunning`. */
  trigger(id: InstanceId): Promise<void>
}

/** File shares of the host that guests have as file systems. A spec with shares is for drivers that have this. */
export interface Shares {
  /** Makes the share's files reachable on this host for a guest that is about to start with it. Mounted: nothing to do. */
  mount(id: InstanceId, share: GuestShare): Promise<void>
  /** The guest is off, or does without all but these shares; what no guest uses any more is unmounted. */
  unmount(id: InstanceId, keptIds: readonly string[]): Promise<void>
}

/** For a host that may not run guests any more: their servers may be on other hosts by now. */
export interface Fencing {
  /** Kills every guest of Nova's that runs here, by the shortest way. Returns how many there were; none left after 0. */
  killAll(): Promise<number>
  /** Where guests outlive this process: with these arguments `nova-compute-guard` finds the same guests. */
  readonly guardArguments?: readonly string[]
}
