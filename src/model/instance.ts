import type { InstanceId } from '#base'
import type { Flavor } from './flavor.ts'
import type { TaskState, VmState } from './lifecycle.ts'
import type { Vif } from './network-info.ts'

/** Nova's numbers: 0 NOSTATE, 1 RUNNING, 3 PAUSED, 4 SHUTDOWN, 6 CRASHED, 7 SUSPENDED. */
export type PowerState = 0 | 1 | 3 | 4 | 6 | 7

/** Nova's words for them. */
export const powerWords: Readonly<Record<PowerState, string>> = {
  0: 'pending',
  1: 'running',
  3: 'paused',
  4: 'shutdown',
  6: 'crashed',
  7: 'suspended',
}

/** The image a server was made from, as it was then. */
export interface InstanceImage {
  readonly id: string
  readonly name: string | null
  readonly diskFormat: string
  readonly containerFormat: string
  readonly sizeBytes: number
  readonly checksum: string | null
  readonly hashAlgorithm: string | null
  readonly hashValue: string | null
  readonly minDiskGiB: number
  readonly minRamMiB: number
  readonly properties: Readonly<Record<string, string>>
}

export interface InstanceKey {
  readonly name: string
  readonly type: string
  readonly publicKey: string
}

/** Our record of a server. */
export interface Instance {
  readonly id: InstanceId
  /** Running number; the guest's name is made from it. */
  readonly number: number
  readonly projectId: string
  readonly userId: string
  readonly displayName: string
  readonly hostname: string
  readonly description: string | null
  readonly reservationId: string
  readonly launchIndex: number
  readonly vmState: VmState
  readonly taskState: TaskState | null
  readonly powerState: PowerState
  readonly host: string | null
  readonly node: string | null
  readonly launchedOn: string | null
  /** As the user asked for; null when not asked. */
  readonly requestedZone: string | null
  readonly flavor: Flavor
  /** Null for a server that boots from a volume. */
  readonly image: InstanceImage | null
  readonly key: InstanceKey | null
  /** Base64 as given. */
  readonly userData: string | null
  readonly hasConfigDrive: boolean
  readonly accessIpV4: string | null
  readonly accessIpV6: string | null
  readonly rootDeviceName: string | null
  readonly progress: number
  readonly lockedBy: 'owner' | 'admin' | null
  readonly lockedReason: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly systemMetadata: Readonly<Record<string, string>>
  readonly securityGroups: readonly string[]
  readonly trustedImageCertificates: readonly string[] | null
  readonly networkInfo: readonly Vif[]
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
  readonly launchedAtMs: number | null
  readonly terminatedAtMs: number | null
  readonly deletedAtMs: number | null
  readonly isDeleted: boolean
  /** The saga that owns `taskState`. */
  readonly sagaId: string | null
}

/** In the system metadata of a server that has left its host: the zone it was in, which is shown until it is back. */
export const zoneLeft = 'shelved_zone'

/** Nova's instance_name_template default, `instance-%08x`. */
export const guestName = (number: number): string => `instance-${number.toString(16).padStart(8, '0')}`

export interface InstanceFault {
  readonly instanceId: InstanceId
  readonly code: number
  readonly message: string
  readonly details: string | null
  readonly host: string | null
  readonly createdAtMs: number
}
