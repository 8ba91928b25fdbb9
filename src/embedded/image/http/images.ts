import { isRecord } from '#base'
import { paramOf, sendJson } from '#http'
import { BadType, Forbidden, Invalid, Missing } from '../faults.ts'
import { tagsOf } from '../records.ts'
import { requireOwner, seen } from '../rights.ts'
import { withoutTag, withTag } from './attributes.ts'
import { type Exchange, jsonOf, type Parts, route } from './exchange.ts'
import { listImages } from './list.ts'
import { operationsOf } from './patch.ts'
import { imageView } from './view.ts'
import { changeImage, createImage, removeImage } from './write.ts'

async function create(parts: Parts, x: Exchange) {
  const created = await createImage(parts.records, x.caller, jsonOf(x.request))
  return sendJson(x.reply.header('location', `/v2/images/${created.id}`), 201, imageView(created))
}

async function update(parts: Parts, x: Exchange) {
  const type = (x.request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const operations = operationsOf(type, x.request)
  if (operations === undefined) throw BadType({ reason: `${type} is not a media type of an image patch.` })
  const row = await changeImage(parts.records, x.caller, x.id, operations)
  return sendJson(x.reply, 200, imageView(row))
}

async function remove(parts: Parts, x: Exchange) {
  await removeImage(parts.records, x.caller, x.id)
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
  route(parts, 'POST', '/v2/images/:id/import', x => {
    const body = jsonOf(x.request)
    const method = isRecord(body) && isRecord(body.method) ? body.method.name : undefined
    if (method === undefined) throw Invalid({ reason: "Import request requires a 'method' field." })
    throw Invalid({ reason: `Unknown import method name '${String(method)}'.` })
  })
}
