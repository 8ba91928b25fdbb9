import { InstanceNotReady } from './faults.ts'
import type { Flavor } from './flavor.ts'
import type { Instance } from './instance.ts'

/** Why a server goes to another host; `migration` is the cold one without a new flavor. */
export type MigrationType = 'migration' | 'resize' | 'live-migration' | 'evacuation'

/** Bytes of a live migration, as the hypervisor tells them while it copies. */
export interface CopyProgress {
  readonly memoryTotal: number
  readonly memoryProcessed: number
  readonly memoryRemaining: number
  readonly diskTotal: number
  readonly diskProcessed: number
  readonly diskRemaining: number
}

/** The record of one move. Its uuid is a consumer of placement: it holds the source's allocation until the move is over. */
export interface Migration {
  readonly number: number
  readonly uuid: string
  readonly instanceId: string
  readonly type: MigrationType
  readonly status: string
  readonly sourceHost: string
  readonly sourceNode: string | null
  readonly destHost: string | null
  readonly destNode: string | null
  /** Address of the target host. */
  readonly destIp: string | null
  /** Null for an evacuation, which knows of no flavors. */
  readonly oldFlavor: Flavor | null
  readonly newFlavor: Flavor | null
  readonly userId: string | null
  readonly projectId: string | null
  readonly isCrossCell: boolean
  readonly progress: CopyProgress | null
  /** What the quota must count although the server's record does not show it yet. */
  readonly pending: { readonly vcpus: number; readonly memoryMiB: number }
  readonly createdAtMs: number
  readonly updatedAtMs: number | null
}

/** The guest runs at its target, and the rest of its memory follows; Nova's word. */
export const postCopyStatus = 'running (post-copy)'

/** Live migrations that are on their way, as `/servers/{id}/migrations` lists them. */
export const liveInProgress: readonly string[] = ['queued', 'preparing', 'running', 'post-migrating']

/** Moves that will not change any more; `done` is an evacuation whose source has not come back. */
export const endedMigrations: readonly string[] = [
  'confirmed',
  'reverted',
  'error',
  'failed',
  'completed',
  'cancelled',
  'done',
]

/** What a server of the new flavor has more than one of the old. */
export const growth = (from: Flavor, to: Flavor): Migration['pending'] => ({
  vcpus: Math.max(0, to.vcpus - from.vcpus),
  memoryMiB: Math.max(0, to.memoryMiB - from.memoryMiB),
})

export interface MoveBegun {
  readonly uuid: string
  readonly type: MigrationType
  readonly status: string
  /** Another than it has. */
  readonly flavor?: Flavor
  /** Where it shall go, if that is known. */
  readonly host?: string
  readonly asker: { readonly userId: string | null; readonly projectId: string | null }
  readonly nowMs: number
}

/** The record of a move that begins now; `InstanceNotReady` for a server without a host. */
export function migrationBegun(
  instance: Instance,
  { uuid, type, status, flavor = instance.flavor, host, asker, nowMs }: MoveBegun,
): Omit<Migration, 'number' | 'updatedAtMs' | 'progress'> {
  if (instance.host === null) throw InstanceNotReady({ id: instance.id })
  const isEvacuation = type === 'evacuation'
  return {
    uuid,
    instanceId: instance.id,
    type,
    status,
    sourceHost: instance.host,
    sourceNode: instance.node,
    destHost: host ?? null,
    destNode: null,
    destIp: null,
    oldFlavor: isEvacuation ? null : instance.flavor,
    newFlavor: isEvacuation ? null : flavor,
    ...asker,
    isCrossCell: false,
    pending: isEvacuation ? { vcpus: 0, memoryMiB: 0 } : growth(instance.flavor, flavor),
    createdAtMs: nowMs,
  }
}
