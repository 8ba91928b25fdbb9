import { isIP } from 'node:net'
import { newUuid } from '#base'
import { type Actor, type Core, ownShare, seenShare } from './core.ts'
import { Forbidden, Invalid, noAccess } from './faults.ts'
import { dropLocks, locksOn, mayUnlock, newLock } from './locks.ts'
import type { AccessRow } from './store/rows.ts'
import type { ShareChange } from './store/state.ts'

export interface AccessWish {
  readonly type: string
  readonly to: string
  readonly level: string
  readonly metadata: Readonly<Record<string, string>>
  readonly locksVisibility: boolean
  readonly locksDeletion: boolean
  readonly lockReason: string | null
}

const openStates = ['available', 'in-use']

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

/** A folder of this machine is opened to hosts, by their addresses. */
function mustBeGrantee({ type, to, level }: AccessWish): void {
  if (!['ip', 'user', 'cert', 'cephx'].includes(type))
    throw Invalid({ reason: "Only 'ip', 'user', 'cert' or 'cephx' access types are supported." })
  if (type !== 'ip') throw Invalid({ reason: `Invalid or unsupported share access type: ${type}.` })
  if (!isNetwork(to)) throw Invalid({ reason: `'${to}' does not appear to be an IPv4 or IPv6 network` })
  if (level !== 'rw' && level !== 'ro')
    throw Invalid({ reason: `Invalid or unsupported share access level: ${level}.` })
}

const placeOf = (to: string): string => to.replace(/\/(32|128)$/, '').toLowerCase()

export async function allowAccess(core: Core, actor: Actor, shareId: string, wish: AccessWish): Promise<AccessRow> {
  if (wish.lockReason !== null && !wish.locksDeletion && !wish.locksVisibility) {
    throw Invalid({
      reason: 'Lock reason can only be specified when locking the visibility or the deletion of an access rule.',
    })
  }
  mustBeGrantee(wish)
  return core.state.change(change => {
    const share = ownShare(core, actor, shareId, 'share:allow_access')
    if (!openStates.includes(share.status))
      throw Invalid({ reason: `Invalid share: New access rules are allowed only when a share is available.` })
    const rules = core.state.table('share_access').by('share', shareId)
    if (rules.some(rule => rule.access_type === wish.type && placeOf(rule.access_to) === placeOf(wish.to)))
      throw Invalid({ reason: `Share access ${wish.type}:${wish.to} exists.` })
    const row = {
      id: newUuid(),
      share_id: shareId,
      access_type: wish.type,
      access_to: wish.to,
      access_level: wish.level,
      // There is nobody who would have to be told: hosts ask for the folder by its path.
      state: 'active',
      metadata: JSON.stringify(wish.metadata),
      created_at_ms: core.clock.now(),
      updated_at_ms: null,
    }
    change.put('share_access', row)
    const lock = (action: string) => {
      const about = { resourceType: 'access_rule', resourceId: row.id, action, reason: wish.lockReason } as const
      change.put('share_locks', newLock(core, actor, about))
    }
    if (wish.locksVisibility) lock('show')
    if (wish.locksDeletion) lock('delete')
    return row
  })
}

export function removeAccess(core: Core, change: ShareChange, row: AccessRow): void {
  dropLocks(core, change, row.id)
  change.remove('share_access', row)
}

/** `unrestrict`: the locks go with the rule, if they are the caller's to take away. */
export async function denyAccess(
  core: Core,
  actor: Actor,
  shareId: string,
  accessId: string,
  { unrestrict }: { unrestrict: boolean },
): Promise<void> {
  await core.state.change(change => {
    ownShare(core, actor, shareId, 'share:deny_access')
    const row = core.state.table('share_access').get(accessId)
    if (row === undefined || row.share_id !== shareId) throw noAccess(accessId)
    const locks = locksOn(core, accessId, 'delete')
    if (locks.length > 0 && !unrestrict) {
      throw Forbidden({
        reason: `Cannot deny access for share '${shareId}' since it has been locked. Please remove the locks and retry the operation`,
      })
    }
    if (locks.some(lock => !mayUnlock(actor, lock)))
      throw Forbidden({ reason: 'Unable to drop access rule restrictions that are not placed by you.' })
    removeAccess(core, change, row)
  })
}

export function accessOf(core: Core, actor: Actor, shareId: string): readonly AccessRow[] {
  seenShare(core, actor, shareId)
  return core.state
    .table('share_access')
    .by('share', shareId)
    .toSorted((a, b) => a.created_at_ms - b.created_at_ms || (a.id < b.id ? -1 : 1))
}

export function seenAccess(core: Core, actor: Actor, id: string): AccessRow {
  const row = core.state.table('share_access').get(id)
  if (row === undefined) throw noAccess(id)
  seenShare(core, actor, row.share_id)
  return row
}

/** Somebody has hidden from this caller to whom the rule opens the share. */
export const isHidden = (core: Core, actor: Actor, row: AccessRow): boolean =>
  locksOn(core, row.id, 'show').some(lock => !mayUnlock(actor, lock))
