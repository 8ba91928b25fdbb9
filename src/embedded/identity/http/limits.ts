import { isRecord, type JsonRecord, newHexId } from '#base'
import { Conflict, Forbidden, found, Invalid, MissingThing, Refused } from '../faults.ts'
import type { LimitRow, RegisteredLimitRow } from '../store/rows.ts'
import type { IdentityChange, IdentityState } from '../store/state.ts'
import { BodyReader } from './body.ts'
import { bodyOf, type Exchange, noContent, ok, type Parts, route } from './exchange.ts'

type Links = (path: string) => string

const registeredView = (url: Links, row: RegisteredLimitRow): JsonRecord => ({
  id: row.id,
  service_id: row.service_id,
  region_id: row.region_id,
  resource_name: row.resource_name,
  default_limit: row.default_limit,
  description: row.description,
  links: { self: url(`/registered_limits/${row.id}`) },
})

const limitView =
  (state: IdentityState) =>
  (url: Links, row: LimitRow): JsonRecord => {
    const registered = state.registeredLimits.get(row.registered_limit_id)
    return {
      id: row.id,
      project_id: row.project_id,
      domain_id: row.domain_id,
      service_id: registered?.service_id ?? null,
      region_id: registered?.region_id ?? null,
      resource_name: registered?.resource_name ?? null,
      resource_limit: row.resource_limit,
      description: row.description,
      links: { self: url(`/limits/${row.id}`) },
    }
  }

/** The bodies of a list such as `{"limits": [...]}`; Keystone creates several at once. */
function bodies(x: Exchange, collection: string): BodyReader[] {
  const list = bodyOf(x.request)[collection]
  if (!Array.isArray(list) || list.length === 0) throw Invalid({ reason: `'${collection}' is a required property` })
  return list.map(item => {
    if (!isRecord(item)) throw Invalid({ reason: `Invalid input for field '${collection}': not of type 'object'` })
    return new BodyReader(item)
  })
}

function amount(body: BodyReader, key: string): number {
  const value = body.integer(key)
  if (value === undefined) throw Invalid({ reason: `'${key}' is a required property` })
  if (value < -1) throw Invalid({ reason: `Invalid input for field '${key}': ${value} is less than the minimum of -1` })
  return value
}

const sameThing = (a: RegisteredLimitRow, b: Pick<RegisteredLimitRow, 'service_id' | 'region_id' | 'resource_name'>) =>
  a.service_id === b.service_id && a.region_id === b.region_id && a.resource_name === b.resource_name

function register(x: Exchange, change: IdentityChange, body: BodyReader): RegisteredLimitRow {
  const row: RegisteredLimitRow = {
    id: newHexId(),
    service_id: body.requiredText('service_id'),
    region_id: body.nullableText('region_id') ?? null,
    resource_name: body.requiredText('resource_name'),
    default_limit: amount(body, 'default_limit'),
    description: body.nullableText('description', { max: 65_535 }) ?? null,
  }
  if (x.state.services.get(row.service_id) === undefined)
    throw Invalid({ reason: `Could not find service: ${row.service_id}.` })
  if (x.state.registeredLimits.all().some(other => sameThing(other, row))) {
    throw Conflict({ type: 'registered_limit', details: 'Duplicate entry' })
  }
  change.put('identity_registered_limits', row)
  return row
}

function limit(x: Exchange, change: IdentityChange, body: BodyReader): LimitRow {
  const wanted = {
    service_id: body.requiredText('service_id'),
    region_id: body.nullableText('region_id') ?? null,
    resource_name: body.requiredText('resource_name'),
  }
  const registered = x.state.registeredLimits.all().find(row => sameThing(row, wanted))
  if (registered === undefined) throw Forbidden({}, { detail: 'no registered limit for this resource' })
  const projectId = body.nullableText('project_id') ?? null
  const domainId = body.nullableText('domain_id') ?? null
  if ((projectId === null) === (domainId === null))
    throw Invalid({ reason: "'project_id' or 'domain_id' is required, not both" })
  if (projectId !== null) found('project', projectId, x.state.projects.get(projectId))
  if (domainId !== null) found('domain', domainId, x.state.projects.get(domainId))
  const row: LimitRow = {
    id: newHexId(),
    registered_limit_id: registered.id,
    project_id: projectId,
    domain_id: domainId,
    resource_limit: amount(body, 'resource_limit'),
    description: body.nullableText('description', { max: 65_535 }) ?? null,
  }
  const taken = x.state.limits
    .all()
    .some(o => o.registered_limit_id === registered.id && o.project_id === projectId && o.domain_id === domainId)
  if (taken) throw Conflict({ type: 'limit', details: 'Duplicate entry' })
  change.put('identity_limits', row)
  return row
}

function registeredRoutes(parts: Parts): void {
  const get = (x: Exchange): RegisteredLimitRow => {
    const row = x.state.registeredLimits.get(x.param('id'))
    if (row === undefined) throw MissingThing({ reason: `Could not find registered limit for ${x.param('id')}.` })
    return row
  }
  const filters = ['service_id', 'region_id', 'resource_name']
  route(parts, 'GET', '/registered_limits', x =>
    x.list('registered_limits', x.state.registeredLimits.all(), registeredView, filters),
  )
  route(parts, 'GET', '/registered_limits/:id', x => x.one(200, 'registered_limit', registeredView, get(x)))
  route(parts, 'POST', '/registered_limits', async x => {
    x.allow('create_registered_limits')
    const given = bodies(x, 'registered_limits')
    const rows = await x.state.change(change => given.map(body => register(x, change, body)))
    return { ...x.list('registered_limits', rows, registeredView), status: 201 }
  })
  route(parts, 'PATCH', '/registered_limits/:id', async x => {
    x.allow('update_registered_limit')
    const body = x.body('registered_limit')
    const row = await x.state.change(change => {
      const old = get(x)
      const next: RegisteredLimitRow = {
        ...old,
        resource_name: body.text('resource_name', { min: 1 }) ?? old.resource_name,
        default_limit: body.has('default_limit') ? amount(body, 'default_limit') : old.default_limit,
        description: body.has('description') ? (body.nullableText('description') ?? null) : old.description,
      }
      change.put('identity_registered_limits', next)
      return next
    })
    return x.one(200, 'registered_limit', registeredView, row)
  })
  route(parts, 'DELETE', '/registered_limits/:id', async x => {
    x.allow('delete_registered_limit')
    await x.state.change(change => {
      const row = get(x)
      if (x.state.limits.all().some(one => one.registered_limit_id === row.id)) {
        throw Refused({
          reason: `Unable to update or delete registered limit ${row.id} because there are project limits associated with it.`,
        })
      }
      change.remove('identity_registered_limits', row)
    })
    return noContent
  })
}

/** Whose limits somebody may see: all as admin or reader of the system, else those of the token's own scope. */
const maySee = (x: Exchange, row: LimitRow): boolean => {
  if (x.isAdmin || x.isSystemReader) return true
  const { scope } = x.caller
  if (scope?.kind === 'project') return row.project_id === scope.id
  if (scope?.kind !== 'domain') return false
  const project = row.project_id === null ? undefined : x.state.projects.get(row.project_id)
  return row.domain_id === scope.id || project?.domain_id === scope.id
}

function limitOf(x: Exchange): LimitRow {
  const row = x.state.limits.get(x.param('id'))
  if (row === undefined) throw MissingThing({ reason: `Could not find limit for ${x.param('id')}.` })
  return row
}

/** Unified limits: what a service's resource is limited to by default, and for one project or domain. */
export function limitRoutes(parts: Parts): void {
  registeredRoutes(parts)
  route(parts, 'GET', '/limits/model', () =>
    ok({
      model: {
        name: 'flat',
        description: 'Limit enforcement and validation does not take project hierarchy into consideration.',
      },
    }),
  )
  route(parts, 'GET', '/limits', x => {
    const rows = x.state.limits.all().filter(row => maySee(x, row))
    const filters = ['service_id', 'region_id', 'resource_name', 'project_id', 'domain_id']
    return x.list('limits', rows, limitView(x.state), filters)
  })
  route(parts, 'GET', '/limits/:id', x => {
    const row = x.state.limits.get(x.param('id'))
    x.allow('get_limit', row !== undefined && maySee(x, row))
    return x.one(200, 'limit', limitView(x.state), limitOf(x))
  })
  route(parts, 'POST', '/limits', async x => {
    x.allow('create_limits')
    const given = bodies(x, 'limits')
    const rows = await x.state.change(change => given.map(body => limit(x, change, body)))
    return { ...x.list('limits', rows, limitView(x.state)), status: 201 }
  })
  route(parts, 'PATCH', '/limits/:id', async x => {
    x.allow('update_limit')
    const body = x.body('limit')
    const row = await x.state.change(change => {
      const old = limitOf(x)
      const next: LimitRow = {
        ...old,
        resource_limit: body.has('resource_limit') ? amount(body, 'resource_limit') : old.resource_limit,
        description: body.has('description') ? (body.nullableText('description') ?? null) : old.description,
      }
      change.put('identity_limits', next)
      return next
    })
    return x.one(200, 'limit', limitView(x.state), row)
  })
  route(parts, 'DELETE', '/limits/:id', async x => {
    x.allow('delete_limit')
    await x.state.change(change => change.remove('identity_limits', limitOf(x)))
    return noContent
  })
}
