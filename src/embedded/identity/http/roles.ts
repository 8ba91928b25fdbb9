import { fromJson, type JsonRecord, newHexId } from '#base'
import { duplicate, found, Invalid, MissingThing, Refused } from '../faults.ts'
import { removeRole } from '../removal.ts'
import type { RoleRow } from '../store/rows.ts'
import { mergeExtra } from './body.ts'
import { type Answer, type Exchange, noContent, ok, type Parts, route } from './exchange.ts'
import { roleView } from './render.ts'

function refuseTaken(x: Exchange, row: RoleRow): void {
  const taken = x.state.roles.by('name', `${row.domain_id}/${row.name}`).some(other => other.id !== row.id)
  if (taken) throw duplicate('role', row.name, row.domain_id)
}

/** Bootstrapped roles cannot be changed or deleted until somebody says so on purpose. */
function refuseImmutable(row: RoleRow, verb: 'update' | 'delete'): void {
  if (fromJson<{ immutable?: boolean }>(row.options).immutable !== true) return
  throw Refused({
    reason: `Unable to ${verb} immutable role resource: \`${row.id}. Set resource option "immutable" to false first.`,
  })
}

async function create(x: Exchange): Promise<Answer> {
  x.allow('create_role')
  const body = x.body('role')
  const domainId = body.nullableText('domain_id', { max: 64 }) ?? ''
  if (domainId !== '' && x.state.projects.get(domainId)?.is_domain !== 1) throw found('domain', domainId, undefined)
  const row: RoleRow = {
    id: newHexId(),
    name: body.requiredText('name'),
    domain_id: domainId,
    description: body.nullableText('description', { max: 255 }) ?? null,
    options: JSON.stringify(body.record('options') ?? {}),
    extra: JSON.stringify(body.rest()),
  }
  await x.state.change(change => {
    refuseTaken(x, row)
    change.put('identity_roles', row)
  })
  return x.one(201, 'role', roleView, row)
}

async function update(x: Exchange): Promise<Answer> {
  x.allow('update_role')
  const id = x.param('id')
  const body = x.body('role')
  const row = await x.state.change(change => {
    const old = found('role', id, x.state.roles.get(id))
    const options = body.record('options')
    if (options?.immutable !== false) refuseImmutable(old, 'update')
    const domainId = body.nullableText('domain_id')
    if (domainId !== undefined && (domainId ?? '') !== old.domain_id) {
      throw Invalid({ reason: 'Update of `domain_id` is not allowed.' })
    }
    const next: RoleRow = {
      ...old,
      name: body.text('name', { min: 1 }) ?? old.name,
      description: body.has('description') ? (body.nullableText('description') ?? null) : old.description,
      options: options === undefined ? old.options : mergeExtra(old.options, options),
      extra: mergeExtra(old.extra, body.rest()),
    }
    refuseTaken(x, next)
    change.put('identity_roles', next)
    return next
  })
  return x.one(200, 'role', roleView, row)
}

async function remove(x: Exchange): Promise<Answer> {
  x.allow('delete_role')
  const id = x.param('id')
  await x.state.change(change => {
    const row = found('role', id, x.state.roles.get(id))
    refuseImmutable(row, 'delete')
    removeRole(x.state, change, row)
  })
  return noContent
}

const inferenceView = (x: Exchange, row: RoleRow): JsonRecord => ({
  id: row.id,
  name: row.name,
  description: row.description,
  links: { self: x.url(`/roles/${row.id}`) },
})

const impliedBy = (x: Exchange, prior: RoleRow): JsonRecord[] =>
  x.state.impliedRoles
    .by('prior', prior.id)
    .flatMap(row => x.state.roles.get(row.implied_role_id) ?? [])
    .map(row => inferenceView(x, row))

function pair(x: Exchange): { prior: RoleRow; implied: RoleRow } {
  return {
    prior: found('role', x.param('id'), x.state.roles.get(x.param('id'))),
    implied: found('role', x.param('implied'), x.state.roles.get(x.param('implied'))),
  }
}

function existing(x: Exchange): { prior: RoleRow; implied: RoleRow } {
  const { prior, implied } = pair(x)
  if (x.state.impliedRoles.get(prior.id, implied.id) === undefined) {
    throw MissingThing({ reason: `${prior.id} does not imply ${implied.id}.` })
  }
  return { prior, implied }
}

function inferenceRoutes(parts: Parts): void {
  const one = (x: Exchange, status: number, prior: RoleRow, implied: RoleRow): Answer => ({
    status,
    body: {
      role_inference: { prior_role: inferenceView(x, prior), implies: inferenceView(x, implied) },
      links: { self: x.url(`/roles/${prior.id}/implies/${implied.id}`) },
    },
  })
  route(parts, 'GET', '/role_inferences', x => {
    x.allow('list_role_inference_rules', x.isSystemReader)
    const rules = x.state.roles.all().flatMap(prior => {
      const implies = impliedBy(x, prior)
      return implies.length === 0 ? [] : [{ prior_role: inferenceView(x, prior), implies }]
    })
    return ok({ role_inferences: rules, links: { self: x.url('/role_inferences') } })
  })
  route(parts, 'GET', '/roles/:id/implies', x => {
    x.allow('list_implied_roles', x.isSystemReader)
    const prior = found('role', x.param('id'), x.state.roles.get(x.param('id')))
    const role_inference = { prior_role: inferenceView(x, prior), implies: impliedBy(x, prior) }
    return ok({ role_inference, links: { self: x.url(`/roles/${prior.id}/implies`) } })
  })
  route(parts, 'GET', '/roles/:id/implies/:implied', x => {
    x.allow('get_implied_role', x.isSystemReader)
    const { prior, implied } = existing(x)
    return x.request.method === 'HEAD' ? noContent : one(x, 200, prior, implied)
  })
  route(parts, 'PUT', '/roles/:id/implies/:implied', async x => {
    x.allow('create_implied_role')
    const { prior, implied } = pair(x)
    // Neither may the admin role be had by implication, nor a domain's role by somebody of another domain.
    if (implied.name === 'admin' || (prior.domain_id === '' && implied.domain_id !== '')) {
      throw Refused({ reason: `${implied.id} cannot be an implied roles.` })
    }
    await x.state.change(change => {
      change.put('identity_implied_roles', { prior_role_id: prior.id, implied_role_id: implied.id })
    })
    return one(x, 201, prior, implied)
  })
  route(parts, 'DELETE', '/roles/:id/implies/:implied', async x => {
    x.allow('delete_implied_role')
    await x.state.change(change => {
      const { prior, implied } = existing(x)
      change.remove('identity_implied_roles', { prior_role_id: prior.id, implied_role_id: implied.id })
    })
    return noContent
  })
}

export function roleRoutes(parts: Parts): void {
  route(parts, 'GET', '/roles', x => {
    const domainId = x.query.get('domain_id') ?? ''
    x.allow(domainId === '' ? 'list_roles' : 'list_domain_roles', x.isSystemReader)
    const rows = x.state.roles.all().filter(row => row.domain_id === domainId)
    return x.list('roles', rows, roleView, ['name'])
  })
  route(parts, 'POST', '/roles', create)
  route(parts, 'GET', '/roles/:id', x => {
    x.allow('get_role', x.isSystemReader)
    return x.one(200, 'role', roleView, found('role', x.param('id'), x.state.roles.get(x.param('id'))))
  })
  route(parts, 'PATCH', '/roles/:id', update)
  route(parts, 'DELETE', '/roles/:id', remove)
  inferenceRoutes(parts)
}
