import type { Caller } from '#cloud'
import { ActionForbidden, Forbidden, NoImage } from './faults.ts'
import type { ImageRow } from './store/rows.ts'
import type { ImageState } from './store/state.ts'

export const isAdmin = (caller: Caller): boolean => caller.roles.includes('admin')

export const isOwner = (caller: Caller, row: ImageRow): boolean => row.owner !== null && row.owner === caller.projectId

/** Whether the caller may know of the image when it is asked for by id. */
export function maySee(state: ImageState, caller: Caller, row: ImageRow): boolean {
  if (isAdmin(caller) || row.owner === null || isOwner(caller, row)) return true
  if (row.visibility === 'public' || row.visibility === 'community') return true
  if (row.visibility !== 'shared' || caller.projectId === null) return false
  return state.table('image_members').get(row.id, caller.projectId) !== undefined
}

/** The image, or 404 when there is none or the caller may not know. */
export function seen(state: ImageState, caller: Caller, id: string): ImageRow {
  const row = state.table('image_images').get(id)
  if (row === undefined || !maySee(state, caller, row)) throw NoImage({ id })
  return row
}

/** Refuses who cannot write at all (a reader) and who does not own the image. */
export function requireOwner(caller: Caller, row: ImageRow, action: string): void {
  requireMember(caller, action)
  if (!isAdmin(caller) && !isOwner(caller, row)) throw Forbidden({ reason: 'You do not own this image' })
}

export function requireMember(caller: Caller, action: string): void {
  if (!isAdmin(caller) && !caller.roles.includes('member')) throw ActionForbidden({ action })
}

export function requireAdmin(caller: Caller, action: string): void {
  if (!isAdmin(caller)) throw ActionForbidden({ action })
}

export type MemberStatusFilter = 'pending' | 'accepted' | 'rejected' | 'all'

/** Whether the image is in the caller's list when no visibility is asked for. */
export function isListed(state: ImageState, caller: Caller, row: ImageRow, memberStatus: MemberStatusFilter): boolean {
  if (isAdmin(caller) || isOwner(caller, row)) return true
  if (row.visibility === 'public' || row.visibility === 'community') return true
  if (row.visibility !== 'shared' || caller.projectId === null) return false
  const member = state.table('image_members').get(row.id, caller.projectId)
  return member !== undefined && (memberStatus === 'all' || member.status === memberStatus)
}
