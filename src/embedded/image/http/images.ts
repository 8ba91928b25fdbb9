import { type Json, newUuid } from '#base'
import type { Caller } from '#cloud'
import { BadType, Conflict, Forbidden, Invalid, Missing, notInSchema } from '../faults.ts'
import { tagsOf } from '../records.ts'
import { isAdmin, requireMember, requireOwner, seen } from '../rights.ts'
import type { ImageRow } from '../store/rows.ts'
import {
  hasProperty,
  isKnown,
  refuseReserved,
  withAttribute,
  withoutProperty,
  withoutTag,
  withTag,
} from './attributes.ts'
import { type Exchange, isRecord, jsonOf, type Parts, paramOf, route, sendJson } from './exchange.ts'
import { listImages } from './list.ts'
import { operationsOf, type PatchOperation } from './patch.ts'
import { uuidPattern } from './schemas.ts'
import { imageView } from './view.ts'

const uuid = new RegExp(uuidPattern)

/** What a new image is before the request says otherwise. */
const blank = (id: string, owner: string | null): ImageRow => ({
  id,
  name: null,
  status: 'queued',
  visibility: 'shared',
  owner,
  disk_format: null,
  container_format: null,
  size_bytes: null,
  virtual_size_bytes: null,
  min_disk_gib: 0,
  min_ram_mib: 0,
  checksum: null,
  hash_algorithm: null,
  hash_value: null,
  is_protected: 0,
  is_hidden: 0,
  created_at_ms: 0,
  updated_at_ms: 0,
  tags: '[]',
  properties: '{}',
  file_name: null,
})

function newId(value: Json | undefined): string {
  if (value === undefined) return newUuid()
  if (typeof value !== 'string') throw notInSchema(`${JSON.stringify(value)} is not of type 'string'`)
  if (!uuid.test(value)) throw notInSchema(`'${value}' does not match '${uuidPattern}'`)
  return value
}

async function create(parts: Parts, x: Exchange) {
  requireMember(x.caller, 'add_image')
  const body = jsonOf(x.request)
  if (!isRecord(body)) throw notInSchema(`${JSON.stringify(body)} is not of type 'object'`)
  let row = blank(newId(body.id), x.caller.projectId)
  for (const [name, value] of Object.entries(body)) {
    if (name === 'id') continue
    refuseReserved(name, 'create')
    if (name === 'owner' && value !== row.owner && !isAdmin(x.caller)) {
      throw Forbidden({ reason: `You are not permitted to create images owned by '${value}'.` })
    }
    row = withAttribute(row, name, value, x.caller)
  }
  const created = await parts.records.create(row)
  return sendJson(x.reply.header('location', `/v2/images/${created.id}`), 201, imageView(created))
}

function patched(row: ImageRow, operation: PatchOperation, caller: Caller): ImageRow {
  const { op, name, value } = operation
  const exists = isKnown(name) || hasProperty(row, name)
  if (op === 'remove') {
    if (isKnown(name)) throw Forbidden({ reason: `Property ${name} may not be removed.` })
    if (!exists) throw Conflict({ reason: `Property ${name} does not exist.` })
    return withoutProperty(row, name)
  }
  if (op === 'replace' && !exists) throw Conflict({ reason: `Property ${name} does not exist.` })
  if (op === 'add' && exists && operation.isStrictAdd) throw Conflict({ reason: `Property ${name} already present.` })
  return withAttribute(row, name, value, caller)
}

async function update(parts: Parts, x: Exchange) {
  const type = (x.request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const operations = operationsOf(type, x.request)
  if (operations === undefined) throw BadType({ reason: `${type} is not a media type of an image patch.` })
  requireOwner(x.caller, seen(parts.state, x.caller, x.id), 'modify_image')
  const row = await parts.records.update(x.id, old => operations.reduce((now, op) => patched(now, op, x.caller), old))
  return sendJson(x.reply, 200, imageView(row))
}

async function remove(parts: Parts, x: Exchange) {
  requireOwner(x.caller, seen(parts.state, x.caller, x.id), 'delete_image')
  await parts.records.remove(x.id)
  return x.reply.code(204).send()
}

/** Takes the bits away from everybody but admins, or gives them back. */
async function setActive(parts: Parts, x: Exchange, isActive: boolean) {
  const action = isActive ? 'reactivate' : 'deactivate'
  requireOwner(x.caller, seen(parts.state, x.caller, x.id), action)
  await parts.records.update(x.id, row => {
    if (row.status !== 'active' && row.status !== 'deactivated') {
      throw Forbidden({ reason: `Not allowed to ${action} image in status '${row.status}'` })
    }
    return { ...row, status: isActive ? 'active' : 'deactivated' }
  })
  return x.reply.code(204).send()
}

function tagRoutes(parts: Parts): void {
  route(parts, 'PUT', '/v2/images/:id/tags/:tag', async x => {
    requireOwner(x.caller, seen(parts.state, x.caller, x.id), 'modify_image')
    const tag = paramOf(x.request, 'tag')
    if (tag.length > 255) throw Invalid({ reason: `Invalid value '${tag}' for parameter 'tag'` })
    await parts.records.update(x.id, row => withTag(row, tag))
    return x.reply.code(204).send()
  })
  route(parts, 'DELETE', '/v2/images/:id/tags/:tag', async x => {
    requireOwner(x.caller, seen(parts.state, x.caller, x.id), 'modify_image')
    const tag = paramOf(x.request, 'tag')
    await parts.records.update(x.id, row => {
      if (!tagsOf(row).includes(tag)) throw Missing({ reason: `The tag '${tag}' is not on image ${x.id}.` })
      return withoutTag(row, tag)
    })
    return x.reply.code(204).send()
  })
}

export function imageRoutes(parts: Parts): void {
  route(parts, 'GET', '/v2/images', x => sendJson(x.reply, 200, listImages(parts, x)))
  route(parts, 'POST', '/v2/images', x => create(parts, x))
  route(parts, 'GET', '/v2/images/:id', x => sendJson(x.reply, 200, imageView(seen(parts.state, x.caller, x.id))))
  route(parts, 'PATCH', '/v2/images/:id', x => update(parts, x))
  route(parts, 'DELETE', '/v2/images/:id', x => remove(parts, x))
  route(parts, 'POST', '/v2/images/:id/actions/deactivate', x => setActive(parts, x, false))
  route(parts, 'POST', '/v2/images/:id/actions/reactivate', x => setActive(parts, x, true))
  tagRoutes(parts)
  route(parts, 'GET', '/v2/info/import', x =>
    sendJson(x.reply, 200, {
      'import-methods': { description: 'Import methods available.', type: 'array', value: [] },
    }),
  )
  route(parts, 'GET', '/v2/info/stores', () => {
    throw Missing({ reason: 'Multi backend is not supported at this site.' })
  })
  route(parts, 'POST', '/v2/images/:id/import', x => {
    const body = jsonOf(x.request)
    const method = isRecord(body) && isRecord(body.method) ? body.method.name : undefined
    if (method === undefined) throw Invalid({ reason: "Import request requires a 'method' field." })
    throw Invalid({ reason: `Unknown import method name '${String(method)}'.` })
  })
}
