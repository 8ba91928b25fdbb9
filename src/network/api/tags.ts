import type { FastifyRequest } from 'fastify'
import type { Face } from '#http'
import { insertIgnore } from '#store/engine'
import { BadRequest, PolicyNotAuthorized, TagNotFound } from '../faults.ts'
import type { Requester } from './context.ts'
import { type ApiDeps, readBody, requesterFrom } from './crud.ts'
import type { Wire } from './listing.ts'
import type { AnyResource } from './resource.ts'

/** `/v2.0/<resource>/{id}/tags`: standard-attr-tag. */

const maxTags = 50
const maxLength = 60

const tagText = (tag: unknown): string => {
  if (typeof tag !== 'string' || tag.length === 0 || tag.length > maxLength) {
    throw BadRequest({ reason: `Invalid input for tags. Reason: a tag is a string of 1 to ${maxLength} characters.` })
  }
  return tag
}

export function serveTags(face: Face, deps: ApiDeps, resource: AnyResource): void {
  const base = `/v2.0/${resource.path}/:id/tags`
  const { db, identity } = deps

  const seenBy = async (requester: Requester, request: FastifyRequest): Promise<Wire> => {
    const { id } = request.params as { id: string }
    const [wire] = await resource.list({ db, requester }, { ids: [id] })
    if (wire === undefined) throw resource.missing(id)
    return wire
  }
  const target = async (request: FastifyRequest, verb: string): Promise<Wire> => {
    const requester = await requesterFrom(identity, request)
    const wire = await seenBy(requester, request)
    const isOwner = requester.isAdmin || wire.project_id === requester.projectId
    if (!isOwner || !requester.mayWrite) throw PolicyNotAuthorized({ rule: `rule:${verb}_${resource.plural}_tags` })
    return wire
  }
  const tagOf = (request: FastifyRequest) => tagText((request.params as { tag: string }).tag)
  const has = (wire: Wire, tag: string) => Array.isArray(wire.tags) && wire.tags.includes(tag)

  face.get(base, async request => ({ tags: (await seenBy(await requesterFrom(identity, request), request)).tags }))
  face.get(`${base}/:tag`, async (request, reply) => {
    const tag = tagOf(request)
    if (!has(await seenBy(await requesterFrom(identity, request), request), tag)) throw TagNotFound({ tag })
    return reply.code(204).send()
  })
  face.put(base, async request => {
    const wire = await target(request, 'update')
    const { tags } = readBody(request)
    if (!Array.isArray(tags)) throw BadRequest({ reason: 'Invalid tags body' })
    const unique = [...new Set(tags.map(tagText))].sort()
    if (unique.length > maxTags)
      throw BadRequest({ reason: `The number of tags exceed the per-resource limit of ${maxTags}` })
    await deps.work.run(async ({ db: tx }) => {
      await tx.deleteFrom('tags').where('resourceId', '=', wire.id).execute()
      for (const tag of unique) await tx.insertInto('tags').values({ resourceId: wire.id, tag }).execute()
    })
    return { tags: unique }
  })
  face.put(`${base}/:tag`, async (request, reply) => {
    const wire = await target(request, 'update')
    if (Array.isArray(wire.tags) && wire.tags.length >= maxTags) {
      throw BadRequest({ reason: `The number of tags exceed the per-resource limit of ${maxTags}` })
    }
    await insertIgnore(db, 'tags', { resourceId: wire.id, tag: tagOf(request) })
    return reply.code(201).send()
  })
  face.delete(base, async (request, reply) => {
    const wire = await target(request, 'delete')
    await db.deleteFrom('tags').where('resourceId', '=', wire.id).execute()
    return reply.code(204).send()
  })
  face.delete(`${base}/:tag`, async (request, reply) => {
    const wire = await target(request, 'delete')
    const tag = tagOf(request)
    if (!has(wire, tag)) throw TagNotFound({ tag })
    await db.deleteFrom('tags').where('resourceId', '=', wire.id).where('tag', '=', tag).execute()
    return reply.code(204).send()
  })
}
