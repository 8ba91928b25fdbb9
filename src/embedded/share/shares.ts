import { newUuid } from '#base'
import { removeAccess } from './access.ts'
import { type Actor, type Core, changeShare, ownShare, requireWriter } from './core.ts'
import { Conflict, Forbidden, Invalid, Missing, policyForbids } from './faults.ts'
import { dropLocks, locksOn } from './locks.ts'
import { requireQuota } from './quotas.ts'
import type { ShareRow } from './store/rows.ts'
import { typeOf } from './types.ts'

export interface ShareWish {
  readonly protocol: string
  readonly sizeGiB: number
  readonly name: string | null
  readonly description: string | null
  readonly type: string | undefined
  readonly zone: string | undefined
  readonly isPublic: boolean
  readonly metadata: Readonly<Record<string, string>>
}

/** What clients of folders on this machine can do with them. */
const protocols = ['NFS']

export async function createShare(core: Core, actor: Actor, wish: ShareWish): Promise<ShareRow> {
  requireWriter(actor, 'share:create')
  if (wish.isPublic && !actor.isAdmin) throw policyForbids('share:create_public_share')
  const protocol = wish.protocol.toUpperCase()
  if (!protocols.includes(protocol)) {
    throw Invalid({
      reason: `Invalid share protocol provided: ${protocol}. It is either disabled or unsupported. Available protocols: ['${protocols.join("', '")}']`,
    })
  }
  const type = typeOf(core, wish.type)
  if (wish.zone !== undefined && wish.zone !== core.zone)
    throw Missing({ reason: `Availability zone ${wish.zone} could not be found.` })
  const row = await core.state.change(change => {
    requireQuota(core, actor.projectId, { shares: 1, gigabytes: wish.sizeGiB })
    const made: ShareRow = {
      id: newUuid(),
      instance_id: newUuid(),
      export_id: newUuid(),
      project_id: actor.projectId,
      user_id: actor.userId,
      name: wish.name,
      description: wish.description,
      size_gib: wish.sizeGiB,
      status: 'creating',
      share_proto: protocol,
      share_type_id: type.id,
      availability_zone: core.zone,
      is_public: Number(wish.isPublic),
      metadata: JSON.stringify(wish.metadata),
      created_at_ms: core.clock.now(),
      updated_at_ms: null,
    }
    change.put('share_shares', made)
    return made
  })
  furnish(core, row)
  return row
}

/** Gives a share its folder; also for one whose creation was cut off. */
export function furnish(core: Core, row: ShareRow): void {
  core.later('creation of a share', async () => {
    try {
      await core.folders.make(row.instance_id)
      await changeShare(core, row.id, now => (now.status === 'creating' ? { ...now, status: 'available' } : now))
    } catch (error) {
      core.log.error({ share_id: row.id, err: error }, 'a share could not be created')
      await changeShare(core, row.id, now => ({ ...now, status: 'error' }))
    }
  })
}

const deletable = ['available', 'error', 'inactive']

export async function deleteShare(
  core: Core,
  actor: Actor,
  id: string,
  { isForced }: { isForced: boolean },
): Promise<void> {
  const row = await core.state.change(change => {
    const share = ownShare(core, actor, id, 'share:delete')
    if (!isForced && !deletable.includes(share.status))
      throw Forbidden({ reason: `Invalid share: Share status must be one of ('available', 'error', 'inactive').` })
    const locks = locksOn(core, id, 'delete')
    if (locks.length > 0) {
      throw Forbidden({
        reason: `Invalid share: Resource lock/s [${locks.map(lock => lock.id).join(', ')}] prevent delete action.`,
      })
    }
    mustNotBeUsed(core, share)
    const deleting = { ...share, status: 'deleting', updated_at_ms: core.clock.now() }
    change.put('share_shares', deleting)
    return deleting
  })
  remove(core, row)
}

/** A service has locked it for a server of its own: the folder would go under a running guest. */
function mustNotBeUsed(core: Core, { id }: ShareRow): void {
  const isUsed = core.state
    .table('share_access')
    .by('share', id)
    .some(rule => locksOn(core, rule.id, 'delete').some(lock => lock.lock_context === 'service'))
  if (isUsed) {
    throw Conflict({ reason: `Share ${id} has access rules that are locked by a service; they must be removed first.` })
  }
}

/** Takes the folder and then the row; also for one whose deletion was cut off. */
export function remove(core: Core, row: ShareRow): void {
  core.later('deletion of a share', async () => {
    await core.folders.remove(row.instance_id)
    await core.state.change(change => {
      for (const rule of core.state.table('share_access').by('share', row.id)) removeAccess(core, change, rule)
      dropLocks(core, change, row.id)
      const share = core.state.table('share_shares').get(row.id)
      if (share !== undefined) change.remove('share_shares', share)
    })
  })
}

/** To a new size: larger with quota for it, or smaller. The folder takes what it needs either way. */
export async function resizeShare(
  core: Core,
  actor: Actor,
  id: string,
  sizeGiB: number,
  way: 'extend' | 'shrink',
): Promise<void> {
  await core.state.change(change => {
    const share = ownShare(core, actor, id, `share:${way}`)
    if (share.status !== 'available') {
      throw Invalid({
        reason: `Invalid share: Share ${id} status must be 'available' to ${way}, but current status is: ${share.status}.`,
      })
    }
    const isWrong = way === 'extend' ? sizeGiB <= share.size_gib : sizeGiB >= share.size_gib
    if (isWrong) {
      const rule = way === 'extend' ? 'greater' : 'less'
      throw Invalid({
        reason: `Invalid input received: New size for ${way} must be ${rule} than current size. (current: ${share.size_gib}, ${way === 'extend' ? 'extended' : 'new'}: ${sizeGiB})`,
      })
    }
    if (way === 'extend') requireQuota(core, share.project_id, { shares: 0, gigabytes: sizeGiB - share.size_gib })
    change.put('share_shares', { ...share, size_gib: sizeGiB, updated_at_ms: core.clock.now() })
  })
}
