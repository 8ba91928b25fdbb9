import { newUuid } from '#base'
import { fillSnapshot, removeSnapshot } from './content.ts'
import { type Actor, type Core, owns, requireWriter, seenVolume } from './core.ts'
import { invalidSnapshot, invalidVolume, noSnapshot } from './faults.ts'
import { requireQuota } from './quotas.ts'
import type { SnapshotRow } from './store/rows.ts'

export function seenSnapshot(core: Core, actor: Actor, id: string): SnapshotRow {
  const row = core.state.table('volume_snapshots').get(id)
  if (row === undefined || !owns(actor, row)) throw noSnapshot(id)
  return row
}

export interface SnapshotWish {
  readonly volumeId: string
  readonly name: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** Also of a volume in use. */
  readonly isForced: boolean
}

export async function createSnapshot(core: Core, actor: Actor, wish: SnapshotWish): Promise<SnapshotRow> {
  requireWriter(actor, 'volume:create_snapshot')
  const row = await core.state.change(change => {
    const volume = seenVolume(core, actor, wish.volumeId)
    if (volume.status === 'error')
      throw invalidVolume('The snapshot cannot be created when the volume is in error status.')
    const allowed = wish.isForced ? ['available', 'in-use'] : ['available']
    if (!allowed.includes(volume.status)) {
      throw invalidVolume(
        `Volume ${volume.id} status must be ${allowed.join(', ')}, but current status is: ${volume.status}.`,
      )
    }
    requireQuota(core, actor.projectId, volume.volume_type_id, { snapshots: 1, gigabytes: volume.size_gib })
    const made: SnapshotRow = {
      id: newUuid(),
      volume_id: volume.id,
      project_id: actor.projectId,
      user_id: actor.userId,
      name: wish.name,
      description: wish.description,
      status: 'creating',
      progress: '0%',
      size_gib: volume.size_gib,
      volume_type_id: volume.volume_type_id,
      metadata: JSON.stringify(wish.metadata),
      created_at_ms: core.clock.now(),
      updated_at_ms: null,
      file_name: null,
    }
    change.put('volume_snapshots', made)
    return made
  })
  fillSnapshot(core, row)
  return row
}

/** One atomic change of one snapshot that the caller may see. */
export function changeSnapshot(
  core: Core,
  actor: Actor,
  id: string,
  next: (row: SnapshotRow) => SnapshotRow,
): Promise<SnapshotRow> {
  return core.state.change(change => {
    const changed = { ...next(seenSnapshot(core, actor, id)), updated_at_ms: core.clock.now() }
    change.put('volume_snapshots', changed)
    return changed
  })
}

export async function deleteSnapshot(core: Core, actor: Actor, id: string, isForced = false): Promise<void> {
  seenSnapshot(core, actor, id)
  requireWriter(actor, 'volume:delete_snapshot')
  const row = await changeSnapshot(core, actor, id, now => {
    if (!isForced && now.status !== 'available' && now.status !== 'error') {
      throw invalidSnapshot('Snapshot status must be available or error and must not be part of a group.')
    }
    return { ...now, status: 'deleting' }
  })
  removeSnapshot(core, row)
}
