import { isUuidLike } from '#base'
import { flagOf, sendJson } from '#http'
import { seenAccess } from '../access.ts'
import { type Actor, type Core, ownShare, requireWriter } from '../core.ts'
import { Forbidden, Invalid } from '../faults.ts'
import { createLock, deleteLock, type LockedType, lockActions, mayUnlock, seenLock } from '../locks.ts'
import type { LockRow } from '../store/rows.ts'
import { jsonOf, recordIn, textOf } from './body.ts'
import { type Exchange, type Parts, route } from './exchange.ts'
import { pageOf } from './listing.ts'
import { lockView } from './views.ts'

const isLockedType = (text: string): text is LockedType => Object.hasOwn(lockActions, text)

function mustKnowAction(type: string, action: string): LockedType {
  if (!isLockedType(type))
    throw Invalid({ reason: `'resource_type' is required and must be one of ('share', 'access_rule')` })
  const known: readonly string[] = lockActions[type]
  if (!known.includes(action))
    throw Invalid({ reason: `'resource_action' can only be one of ('${known.join("', '")}')` })
  return type
}

/** Only what the caller may change may he lock. */
function mustOwn(core: Core, actor: Actor, type: LockedType, id: string): void {
  try {
    const shareId = type === 'share' ? id : seenAccess(core, actor, id).share_id
    ownShare(core, actor, shareId, 'resource_lock:create')
  } catch (error) {
    throw Invalid({ reason: 'No such resource found.' }, { cause: error })
  }
}

async function create(x: Exchange) {
  requireWriter(x.actor, 'resource_lock:create')
  const fields = recordIn(jsonOf(x.request), 'resource_lock')
  const action = textOf(fields, 'resource_action') ?? 'delete'
  const resourceType = mustKnowAction(textOf(fields, 'resource_type') ?? 'share', action)
  const resourceId = textOf(fields, 'resource_id') ?? ''
  if (!isUuidLike(resourceId)) throw Invalid({ reason: 'Resource ID is required and must be in uuid format.' })
  mustOwn(x.core, x.actor, resourceType, resourceId)
  const reason = textOf(fields, 'lock_reason', 1023) ?? null
  const row = await createLock(x.core, x.actor, { resourceType, resourceId, action, reason })
  return sendJson(x.reply, 200, { resource_lock: lockView(x, row) })
}

async function update(x: Exchange) {
  const fields = recordIn(jsonOf(x.request), 'resource_lock')
  const strange = Object.keys(fields).filter(name => name !== 'resource_action' && name !== 'lock_reason')
  if (strange.length > 0) throw Invalid({ reason: "Only 'resource_action' and 'lock_reason' can be updated." })
  const changed = await x.core.state.change(change => {
    const row = seenLock(x.core, x.actor, x.id)
    if (!mayUnlock(x.actor, row)) throw Forbidden({ reason: 'Resource lock cannot be manipulated by you.' })
    const action = textOf(fields, 'resource_action') ?? row.resource_action
    mustKnowAction(row.resource_type, action)
    const reason = textOf(fields, 'lock_reason', 1023)
    const next: LockRow = {
      ...row,
      resource_action: action,
      ...(reason === undefined ? {} : { lock_reason: reason }),
      updated_at_ms: x.core.clock.now(),
    }
    change.put('share_locks', next)
    return next
  })
  return sendJson(x.reply, 200, { resource_lock: lockView(x, changed) })
}

const filtered = [
  'user_id',
  'project_id',
  'lock_context',
  'resource_type',
  'resource_id',
  'resource_action',
  'lock_reason',
] as const

const sortKeys = {
  id: (row: LockRow) => row.id,
  resource_id: (row: LockRow) => row.resource_id,
  resource_type: (row: LockRow) => row.resource_type,
  resource_action: (row: LockRow) => row.resource_action,
  created_at: (row: LockRow) => row.created_at_ms,
  updated_at: (row: LockRow) => row.updated_at_ms ?? 0,
} as const

function list(x: Exchange) {
  const { actor, query } = x
  const isForAll = actor.isAdmin && (flagOf(query, 'all_projects') || query.has('project_id'))
  const rows = x.core.state
    .table('share_locks')
    .all()
    .filter(row => isForAll || row.project_id === actor.projectId)
    .filter(row => filtered.every(name => (query.get(name) ?? row[name]) === row[name]))
  const view = (row: LockRow) => lockView(x, row)
  return sendJson(x.reply, 200, pageOf(x, { path: 'resource-locks', name: 'resource_locks', sortKeys, view }, rows))
}

export function lockRoutes(parts: Parts): void {
  const path = '/resource-locks'
  const since = { since: 81 }
  route(parts, 'GET', path, list, since)
  route(parts, 'POST', path, create, since)
  route(
    parts,
    'GET',
    `${path}/:id`,
    x => sendJson(x.reply, 200, { resource_lock: lockView(x, seenLock(x.core, x.actor, x.id)) }),
    since,
  )
  route(parts, 'PUT', `${path}/:id`, update, since)
  route(
    parts,
    'DELETE',
    `${path}/:id`,
    async x => {
      await deleteLock(x.core, x.actor, x.id)
      return x.reply.code(204).send()
    },
    since,
  )
}
