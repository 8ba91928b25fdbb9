import type { FastifyRequest } from 'fastify'
import { fromJson } from '#base'
import type { IdentityPort } from '#cloud'
import { authenticate, type Face } from '#http'
import type { Work } from '../core/unit.ts'
import { BadRequest, PolicyNotAuthorized } from '../faults.ts'
import type { Db } from '../store/open.ts'
import { type Attributes, isObject, readAttributes } from './attributes.ts'
import { type Requester, requesterOf } from './context.ts'
import { filterWires, pageOf, pickFields, type Query, sortWires, valuesOf, type Wire } from './listing.ts'
import type { AnyResource, Narrow, Resource } from './resource.ts'

/** List, show, create (one or many), update and delete of every resource, the same for all. */

export interface ApiDeps {
  readonly db: Db
  readonly work: Work
  readonly identity: IdentityPort
}

export function hideTypes<A extends Attributes>(resource: Resource<A>): AnyResource {
  const { update } = resource
  return {
    ...resource,
    create: (writing, body) => resource.create(writing, readAttributes(resource.attributes, 'post', body)),
    ...(update === undefined
      ? {}
      : {
          update: (writing, seen, body) => update(writing, seen, readAttributes(resource.attributes, 'put', body)),
        }),
  }
}

export const requesterFrom = async (identity: IdentityPort, request: FastifyRequest): Promise<Requester> =>
  requesterOf((await authenticate(identity, request)).caller)

export const queryOf = (request: FastifyRequest): Query => request.query as Query

export const baseUrl = (request: FastifyRequest): string => `${request.protocol}://${request.host}`

export function readBody(request: FastifyRequest): Record<string, unknown> {
  const { body } = request
  let value: unknown
  try {
    value = body instanceof Buffer && body.length > 0 ? fromJson<unknown>(body.toString()) : undefined
  } catch (error) {
    throw BadRequest({ reason: 'Malformed request body: not valid JSON' }, { cause: error })
  }
  if (!isObject(value)) throw BadRequest({ reason: 'Resource body required' })
  return value
}

/** Refuses what only administrators may give. */
function checkGiven(resource: AnyResource, verb: 'create' | 'update', body: object, requester: Requester): void {
  const rule = `${verb}_${resource.singular}`
  if (!requester.mayWrite) throw PolicyNotAuthorized({ rule: `rule:${rule}` })
  if (requester.isAdmin) return
  for (const [name, value] of Object.entries(body)) {
    const attribute = resource.attributes[name]
    if (attribute?.isAdminGiven !== true) continue
    if (verb === 'create' && 'harmless' in attribute && attribute.harmless === value) continue
    throw PolicyNotAuthorized({ rule: `(rule:${rule} and rule:${rule}:${name})` })
  }
}

function show(resource: AnyResource, requester: Requester, wire: Wire): Wire {
  if (requester.isAdmin) return wire
  const hidden = Object.keys(wire).filter(name => resource.attributes[name]?.isAdminSeen === true)
  if (hidden.length === 0) return wire
  const { ...seen } = wire
  for (const name of hidden) delete seen[name]
  return seen
}

function narrowOf(query: Query): Narrow {
  const ids = valuesOf(query, 'id')
  const networkIds = valuesOf(query, 'network_id')
  const deviceIds = valuesOf(query, 'device_id')
  const groupIds = valuesOf(query, 'security_group_id')
  const portIds = valuesOf(query, 'port_id')
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...(networkIds.length > 0 ? { networkIds } : {}),
    ...(deviceIds.length > 0 ? { deviceIds } : {}),
    ...(groupIds.length > 0 ? { groupIds } : {}),
    ...(portIds.length > 0 ? { portIds } : {}),
  }
}

async function oneSeen(resource: AnyResource, db: Db, requester: Requester, id: string): Promise<Wire> {
  const [wire] = await resource.list({ db, requester }, { ids: [id] })
  if (wire === undefined) throw resource.missing(id)
  return wire
}

const isOwner = (requester: Requester, seen: Wire): boolean =>
  requester.isAdmin || (requester.projectId !== null && seen.project_id === requester.projectId)

function checkMayChange(resource: AnyResource, verb: 'update' | 'delete', requester: Requester, seen: Wire): void {
  const allowed = resource.mayChange?.(requester, seen) ?? isOwner(requester, seen)
  if (!allowed || !requester.mayWrite) throw PolicyNotAuthorized({ rule: `rule:${verb}_${resource.singular}` })
}

async function createAll(
  deps: ApiDeps,
  resource: AnyResource,
  requester: Requester,
  bodies: readonly unknown[],
): Promise<readonly Wire[]> {
  const checked = bodies.map(body => {
    if (!isObject(body)) throw BadRequest({ reason: `Unable to find '${resource.singular}' in request body` })
    checkGiven(resource, 'create', body, requester)
    return body
  })
  const ids = await deps.work.run(async unit => {
    const made: string[] = []
    for (const body of checked) made.push(await resource.create({ unit, requester }, body))
    return made
  })
  const wires = await resource.list({ db: deps.db, requester }, { ids })
  return ids.map(id => {
    const wire = wires.find(item => item.id === id)
    if (wire === undefined) throw resource.missing(id)
    return show(resource, requester, wire)
  })
}

const unwrap = (resource: AnyResource, body: Record<string, unknown>): Record<string, unknown> => {
  const inner = body[resource.singular]
  if (!isObject(inner)) throw BadRequest({ reason: `Unable to find '${resource.singular}' in request body` })
  return inner
}

export function serveResource(face: Face, deps: ApiDeps, resource: AnyResource): void {
  const base = `/v2.0/${resource.path}`
  const known = new Set(Object.keys(resource.attributes))
  const { db, identity } = deps
  const idOf = (request: FastifyRequest) => (request.params as { id: string }).id

  face.get(base, async request => {
    const requester = await requesterFrom(identity, request)
    const query = queryOf(request)
    await resource.prepare?.({ db, requester }, deps.work)
    const all = await resource.list({ db, requester }, narrowOf(query))
    const shown = all.map(wire => show(resource, requester, wire))
    const sorted = sortWires(filterWires(shown, query, known), query, known)
    const page = pageOf(sorted, query, `${baseUrl(request)}${base}`, resource.missing)
    const items = page.items.map(wire => pickFields(wire, query))
    return { [resource.plural]: items, ...(page.links.length > 0 ? { [`${resource.plural}_links`]: page.links } : {}) }
  })

  face.get(`${base}/:id`, async request => {
    const requester = await requesterFrom(identity, request)
    await resource.prepare?.({ db, requester }, deps.work)
    const wire = await oneSeen(resource, db, requester, idOf(request))
    return { [resource.singular]: pickFields(show(resource, requester, wire), queryOf(request)) }
  })

  face.post(base, async (request, reply) => {
    const requester = await requesterFrom(identity, request)
    const body = readBody(request)
    const many = body[resource.plural]
    reply.code(201)
    if (Array.isArray(many)) return { [resource.plural]: await createAll(deps, resource, requester, many as unknown[]) }
    const [wire] = await createAll(deps, resource, requester, [unwrap(resource, body)])
    return { [resource.singular]: wire }
  })

  face.put(`${base}/:id`, async request => {
    const requester = await requesterFrom(identity, request)
    const { update } = resource
    const seen = await oneSeen(resource, db, requester, idOf(request))
    if (update === undefined) throw BadRequest({ reason: `Update of ${resource.singular} is not possible` })
    const body = unwrap(resource, readBody(request))
    checkMayChange(resource, 'update', requester, seen)
    checkGiven(resource, 'update', body, requester)
    await deps.work.run(unit => update({ unit, requester }, seen, body))
    return { [resource.singular]: show(resource, requester, await oneSeen(resource, db, requester, seen.id)) }
  })

  face.delete(`${base}/:id`, async (request, reply) => {
    const requester = await requesterFrom(identity, request)
    const seen = await oneSeen(resource, db, requester, idOf(request))
    checkMayChange(resource, 'delete', requester, seen)
    await deps.work.run(unit => resource.remove({ unit, requester }, seen))
    return reply.code(204).send()
  })
}
