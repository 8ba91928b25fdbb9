import { isRecord } from '#base'
import type { Caller } from '#cloud'
import { paramOf, sendJson } from '#http'
import { Conflict, Forbidden, Invalid, Missing, NoImage } from '../faults.ts'
import { isAdmin, isOwner, maySee, requireMember } from '../rights.ts'
import type { ImageRow, MemberRow } from '../store/rows.ts'
import type { ImageState } from '../store/state.ts'
import { type Exchange, jsonOf, type Parts, route } from './exchange.ts'
import { memberView } from './view.ts'

/** The image whose members are meant; only shared images have any. */
function shared(state: ImageState, caller: Caller, id: string): ImageRow {
  const row = state.table('image_images').get(id)
  if (row === undefined || !maySee(state, caller, row)) throw Missing({ reason: `Image ${id} not found.` })
  return row
}

const sharedOf = (parts: Parts, x: Exchange): ImageRow => shared(parts.state, x.caller, x.id)

function requireShared(row: ImageRow, action: string): void {
  if (row.visibility !== 'shared') throw Forbidden({ reason: `Not allowed to ${action} members for image ${row.id}.` })
}

function requireImageOwner(caller: Caller, row: ImageRow, action: string): void {
  requireMember(caller, `${action}_member`)
  if (!isAdmin(caller) && !isOwner(caller, row)) {
    throw Forbidden({ reason: `Not allowed to ${action} members for image ${row.id}.` })
  }
}

function memberOf(parts: Parts, x: Exchange, id: string): MemberRow {
  const row = parts.state.table('image_members').get(x.id, id)
  if (row === undefined) throw Missing({ reason: `${id} not found in the member list of the image ${x.id}.` })
  return row
}

/** A member sees itself, the owner sees all. */
const seenMembers = (parts: Parts, x: Exchange, image: ImageRow): MemberRow[] =>
  parts.state
    .table('image_members')
    .by('image', x.id)
    .filter(row => isAdmin(x.caller) || isOwner(x.caller, image) || row.member_id === x.caller.projectId)

/** Lets a project use the image; it is pending until the project accepts it. */
export async function addMember(
  { state, now }: Pick<Parts, 'state' | 'now'>,
  caller: Caller,
  id: string,
  member: string,
): Promise<MemberRow> {
  const image = shared(state, caller, id)
  requireShared(image, 'create')
  requireImageOwner(caller, image, 'create')
  const at = now()
  const row: MemberRow = { image_id: id, member_id: member, status: 'pending', created_at_ms: at, updated_at_ms: at }
  await state.change(change => {
    if (state.table('image_images').get(id) === undefined) throw NoImage({ id })
    if (state.table('image_members').get(id, member) !== undefined) {
      throw Conflict({ reason: `Member ${member} is duplicated for image ${id}` })
    }
    change.put('image_members', row)
  })
  return row
}

async function create(parts: Parts, x: Exchange) {
  sharedOf(parts, x)
  const body = jsonOf(x.request)
  const member = isRecord(body) ? body.member : undefined
  if (member === undefined) throw Invalid({ reason: 'Member to be added not specified' })
  if (typeof member !== 'string' || member === '' || member.length > 255) {
    throw Invalid({ reason: "Member can't be empty" })
  }
  return sendJson(x.reply, 200, memberView(await addMember(parts, x.caller, x.id, member)))
}

/** Only the member itself says whether it wants the image. */
async function setStatus(parts: Parts, x: Exchange) {
  const image = sharedOf(parts, x)
  const body = jsonOf(x.request)
  const status = isRecord(body) ? body.status : undefined
  if (status === undefined) throw Invalid({ reason: 'Status not specified' })
  if (status !== 'pending' && status !== 'accepted' && status !== 'rejected') {
    throw Invalid({ reason: `Incorrect request: Status must be "pending", "accepted" or "rejected".` })
  }
  requireShared(image, 'update')
  const id = paramOf(x.request, 'member')
  memberOf(parts, x, id)
  if (!isAdmin(x.caller) && x.caller.projectId !== id) {
    throw Forbidden({ reason: `Not allowed to update members for image ${x.id}.` })
  }
  const row = await parts.state.change(change => {
    const next: MemberRow = { ...memberOf(parts, x, id), status, updated_at_ms: parts.now() }
    change.put('image_members', next)
    return next
  })
  return sendJson(x.reply, 200, memberView(row))
}

async function remove(parts: Parts, x: Exchange) {
  const image = sharedOf(parts, x)
  requireShared(image, 'delete')
  requireImageOwner(x.caller, image, 'delete')
  await parts.state.change(change => change.remove('image_members', memberOf(parts, x, paramOf(x.request, 'member'))))
  return x.reply.code(204).send()
}

export function memberRoutes(parts: Parts): void {
  route(parts, 'GET', '/v2/images/:id/members', x => {
    const image = sharedOf(parts, x)
    if (image.visibility !== 'shared') {
      throw Forbidden({
        reason: `Not allowed to list members for image ${x.id}: Only shared images have members.`,
      })
    }
    const members = seenMembers(parts, x, image).map(memberView)
    return sendJson(x.reply, 200, { members, schema: '/v2/schemas/members' })
  })
  route(parts, 'POST', '/v2/images/:id/members', x => create(parts, x))
  route(parts, 'GET', '/v2/images/:id/members/:member', x => {
    const image = sharedOf(parts, x)
    const id = paramOf(x.request, 'member')
    const row = seenMembers(parts, x, image).find(member => member.member_id === id)
    if (row === undefined) throw Missing({ reason: `${id} not found in the member list of the image ${x.id}.` })
    return sendJson(x.reply, 200, memberView(row))
  })
  route(parts, 'PUT', '/v2/images/:id/members/:member', x => setStatus(parts, x))
  route(parts, 'DELETE', '/v2/images/:id/members/:member', x => remove(parts, x))
}
