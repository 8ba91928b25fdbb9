import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { newUuid } from '#base'
import { type Actor, type Core, owns, putVolume, requireWriter, seenVolume } from './core.ts'
import { Invalid, invalidSnapshot, invalidVolume, noTransfer } from './faults.ts'
import { requireQuota, requireSize } from './quotas.ts'
import type { TransferRow } from './store/rows.ts'

/** Cinder's volume_transfer_key_length and volume_transfer_salt_length. */
const keyLength = 16
const saltLength = 8

const randomText = (length: number): string => randomBytes(length).toString('hex').slice(0, length)
const hashOf = (salt: string, key: string): string => createHmac('sha256', salt).update(key).digest('hex')
const isSame = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))

/** The transfer, for whoever owns its volume. */
export function seenTransfer(core: Core, actor: Actor, id: string): TransferRow {
  const row = core.state.table('volume_transfers').get(id)
  if (row === undefined || !owns(actor, { project_id: row.source_project_id })) throw noTransfer(id)
  return row
}

/** Offers a volume to whoever shows the key, which is told this once. */
export async function createTransfer(
  core: Core,
  actor: Actor,
  wish: { volumeId: string; name: string | null; hasNoSnapshots: boolean },
): Promise<{ row: TransferRow; key: string }> {
  seenVolume(core, actor, wish.volumeId)
  requireWriter(actor, 'volume:create_transfer')
  const key = randomText(keyLength)
  const salt = randomText(saltLength)
  const row = await core.state.change(change => {
    const volume = seenVolume(core, actor, wish.volumeId)
    if (volume.status !== 'available') throw invalidVolume('status must be available')
    if (volume.encryption_key_id !== null) throw invalidVolume('transferring encrypted volume is not supported')
    if (!wish.hasNoSnapshots) {
      for (const snapshot of core.state.table('volume_snapshots').by('volume', volume.id)) {
        if (snapshot.status !== 'available') throw invalidSnapshot(`snapshot: ${snapshot.id} status must be available`)
      }
    }
    const made: TransferRow = {
      id: newUuid(),
      volume_id: volume.id,
      name: wish.name,
      salt,
      key_hash: hashOf(salt, key),
      has_no_snapshots: wish.hasNoSnapshots ? 1 : 0,
      source_project_id: volume.project_id,
      created_at_ms: core.clock.now(),
    }
    change.put('volume_transfers', made)
    putVolume(core, change, volume, { ...volume, status: 'awaiting-transfer' })
    return made
  })
  return { row, key }
}

/** The volume, and its snapshots unless they stay, become the caller's project's. */
export async function acceptTransfer(core: Core, actor: Actor, id: string, key: string): Promise<TransferRow> {
  requireWriter(actor, 'volume:accept_transfer')
  const { state } = core
  return state.change(change => {
    const row = state.table('volume_transfers').get(id)
    if (row === undefined) throw noTransfer(id)
    if (!isSame(hashOf(row.salt, key), row.key_hash)) {
      throw Invalid({ reason: `Invalid auth key: Attempt to transfer ${id} with invalid auth key.` })
    }
    const volume = state.table('volume_volumes').get(row.volume_id)
    if (volume === undefined) throw noTransfer(id)
    if (volume.status !== 'awaiting-transfer') throw invalidVolume('status must be awaiting-transfer')
    const snapshots = row.has_no_snapshots === 1 ? [] : state.table('volume_snapshots').by('volume', volume.id)
    requireSize(core, actor.projectId, volume.size_gib)
    requireQuota(core, actor.projectId, volume.volume_type_id, {
      volumes: 1,
      gigabytes: volume.size_gib + snapshots.reduce((sum, s) => sum + s.size_gib, 0),
      ...(snapshots.length === 0 ? {} : { snapshots: snapshots.length }),
    })
    const owner = { project_id: actor.projectId, user_id: actor.userId }
    for (const snapshot of snapshots) change.put('volume_snapshots', { ...snapshot, ...owner })
    putVolume(core, change, volume, { ...volume, ...owner, status: 'available' })
    change.remove('volume_transfers', row)
    return row
  })
}

export async function deleteTransfer(core: Core, actor: Actor, id: string): Promise<void> {
  seenTransfer(core, actor, id)
  requireWriter(actor, 'volume:delete_transfer')
  await core.state.change(change => {
    const row = seenTransfer(core, actor, id)
    const volume = core.state.table('volume_volumes').get(row.volume_id)
    if (volume?.status === 'awaiting-transfer') putVolume(core, change, volume, { ...volume, status: 'available' })
    change.remove('volume_transfers', row)
  })
}
