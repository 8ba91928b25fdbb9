import type { JsonRecord } from '#base'
import { restoreVolume } from '../content.ts'
import { changeVolume, requireWriter, seenVolume } from '../core.ts'
import { Conflict, Invalid } from '../faults.ts'
import { Fields } from './body.ts'
import { accepted, type Exchange } from './exchange.ts'

/** `revert`: the content of the latest snapshot again. */
export async function revertVolume(x: Exchange, body: JsonRecord) {
  const snapshotId = Fields.of(body, 'revert').text('snapshot_id')
  const volume = seenVolume(x.core, x.actor, x.id)
  requireWriter(x.actor, 'volume:revert_to_snapshot')
  const snapshots = x.core.state.table('volume_snapshots').by('volume', volume.id)
  const latest = snapshots.toSorted((a, b) => b.created_at_ms - a.created_at_ms)[0]
  if (latest === undefined) throw Invalid({ reason: `Volume ${volume.id} doesn't have any snapshots.` })
  if (snapshotId !== latest.id) {
    throw Invalid({
      reason: `Specified snapshot ${snapshotId ?? 'None'} is None or not the latest one of volume ${volume.id}.`,
    })
  }
  if (volume.size_gib !== latest.size_gib) {
    throw Invalid({
      reason: `Can't revert volume ${volume.id} to its latest snapshot ${latest.id}. The volume size must be equal to the snapshot size.`,
    })
  }
  const about = `Can't revert volume ${volume.id} to its latest snapshot ${latest.id}.`
  const row = await changeVolume(x.core, volume.id, now => {
    if (now.status !== 'available') {
      throw Conflict({ reason: `Invalid volume: ${about} Volume's status must be 'available'.` })
    }
    if (x.core.state.table('volume_snapshots').get(latest.id)?.status !== 'available') {
      throw Conflict({ reason: `Invalid snapshot: ${about} Snapshot's status must be 'available'.` })
    }
    return { ...now, status: 'reverting', task: JSON.stringify({ kind: 'revert' }) }
  })
  restoreVolume(x.core, row, latest.id)
  return accepted(x)
}
