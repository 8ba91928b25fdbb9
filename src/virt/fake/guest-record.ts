import type { PowerState } from '../driver.ts'
import type { GuestConfigDrive, GuestDisk, GuestSpec, GuestVif } from '../guest-spec.ts'
import type { FakeDisk } from './disks.ts'

/** One guest of the fake hypervisor, as it also lies in the state file. */
export interface GuestRecord {
  /** Without its config drive, whose files are secret, and without the keys of its shares. */
  readonly spec: Omit<GuestSpec, 'configDrive'>
  /** Format of the config drive it was spawned with. */
  readonly configDrive?: GuestConfigDrive['format']
  readonly power: PowerState
  readonly vifs: readonly GuestVif[]
  /** Its root disk; none when it boots from a volume. */
  readonly disk?: FakeDisk
  /** As they are now, hot-plugged ones among them. */
  readonly disks: readonly GuestDisk[]
  /** Files that snapshots have put over a volume, by volume, the newest last. */
  readonly overlays: Readonly<Record<string, readonly string[]>>
  /** Of the newest start; null before it. */
  readonly startedAtMs: number | null
  readonly boots: number
  /** Number of its displays on this host: no two guests have the same. */
  readonly display: number
  /** The guest went down in order, and its console says so. */
  readonly wasShutDown: boolean
  /** A place that waits for this guest's memory; nothing runs. */
  readonly isIncoming?: true
  /** As long as it runs from a rescue disk. */
  readonly rescue?: RescueRecord
  /** How often its ephemeral disks were made anew. */
  readonly ephemeralMade?: number
  /** Whose passwords its agent has set, in order. */
  readonly passwords?: readonly { readonly user: string }[]
  /** Shares that are mounted for it on this host. */
  readonly mounted?: readonly string[]
  /** Its agent holds its file systems still until then; null: for nobody. */
  readonly frozenUntilMs?: number | null
  /** Crash dumps it was asked for. */
  readonly dumps?: number
}

export interface RescueRecord {
  readonly imageId: string
  readonly device: string
  readonly bus: string
  /** The guest's own disks have kept their places. */
  readonly isStable: boolean
  /** What it was booted with, where that is not its own. */
  readonly kernelId?: string
  readonly ramdiskId?: string | null
  readonly configDrive?: GuestConfigDrive['format']
}
