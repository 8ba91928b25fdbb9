import type { Flavor } from './flavor.ts'

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
