import { newUuid } from '#base'
import type { Actor, Core } from './core.ts'
import { Conflict, Forbidden, Invalid, noLock } from './faults.ts'
import type { LockRow } from './store/rows.ts'
import type { ShareChange } from './store/state.ts'

/** What may be forbidden for what. */
export const lockActions = { share: ['delete'], access_rule: ['delete', 'show'] } as const
export type LockedType = keyof typeof lockActions

const contextOf = (actor: Actor): string => (actor.isService ? 'service' : actor.isAdmin ? 'admin' : 'user')

/** A service's lock is that service's business, an administrator's the administrators', a user's his project's. */
export function mayUnlock(actor: Actor, lock: LockRow): boolean {
  if (lock.lock_context === 'service') return actor.isService && actor.userId === lock.user_id
  if (lock.lock_context === 'admin') return actor.isAdmin
  return actor.isAdmin || (actor.canWrite && actor.projectId === lock.project_id)
}

export const locksOn = (core: Core, resourceId: string, action: string): readonly LockRow[] =>
  core.state
    .table('share_locks')
    .by('resource', resourceId)
    .filter(lock => lock.resource_action === action)

export interface LockWish {
  readonly resourceType: LockedType
  readonly resourceId: string
  readonly action: string
  readonly reason: string | null
}

export function newLock(core: Core, actor: Actor, { resourceType, resourceId, action, reason }: LockWish): LockRow {
  return {
    id: newUuid(),
    user_id: actor.userId,
    project_id: actor.projectId,
    lock_context: contextOf(actor),
    resource_type: resourceType,
    resource_id: resourceId,
    resource_action: action,
    lock_reason: reason,
    created_at_ms: core.clock.now(),
    updated_at_ms: null,
  }
}

/** The caller has seen that the resource is his to lock. */
export function createLock(core: Core, actor: Actor, wish: LockWish): Promise<LockRow> {
  return core.state.change(change => {
    const isThere = wish.resourceType === 'share' ? 'share_shares' : 'share_access'
    const resource = core.state.table(isThere).get(wish.resourceId)
    if (resource === undefined) throw Invalid({ reason: 'No such resource found.' })
    if (wish.action === 'show' && locksOn(core, wish.resourceId, 'show').length > 0)
      throw Conflict({ reason: "Resource's visibility is already locked by other user." })
    const row = newLock(core, actor, wish)
    change.put('share_locks', row)
    return row
  })
}

export function seenLock(core: Core, actor: Actor, id: string): LockRow {
  const row = core.state.table('share_locks').get(id)
  if (row === undefined || (!actor.isAdmin && row.project_id !== actor.projectId)) throw noLock(id)
  return row
}

export async function deleteLock(core: Core, actor: Actor, id: string): Promise<void> {
  await core.state.change(change => {
    const row = seenLock(core, actor, id)
    if (!mayUnlock(actor, row)) {
      throw Forbidden({
        reason: `Resource lock cannot be manipulated by ${contextOf(actor)}. Lock context: ${row.lock_context}`,
      })
    }
    change.remove('share_locks', row)
  })
}

/** What is gone is not locked. */
export function dropLocks(core: Core, change: ShareChange, resourceId: string): void {
  for (const lock of core.state.table('share_locks').by('resource', resourceId)) change.remove('share_locks', lock)
}
