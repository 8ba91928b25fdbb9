import { newHexId } from '#base'
import { duplicate, found, Invalid, MissingThing } from '../faults.ts'
import { removeGroup } from '../removal.ts'
import type { GroupRow } from '../store/rows.ts'
import { mergeExtra } from './body.ts'
import { type Answer, type Exchange, noContent, type Parts, route } from './exchange.ts'
import { groupView, userView } from './render.ts'

function refuseTaken(x: Exchange, row: GroupRow): void {
  const taken = x.state.groups.by('name', `${row.domain_id}/${row.name}`).some(other => other.id !== row.id)
  if (taken) throw duplicate('group', row.name, row.domain_id)
}

async function create(x: Exchange): Promise<Answer> {
  x.allow('create_group')
  const body = x.body('group')
  const domainId = body.text('domain_id', { max: 64 }) ?? x.homeDomainId
  if (x.state.projects.get(domainId)?.is_domain !== 1) throw found('domain', domainId, undefined)
  const row: GroupRow = {
    id: newHexId(),
    name: body.requiredText('name', { min: 1, max: 64 }),
    domain_id: domainId,
    description: body.nullableText('description', { max: 65_535 }) ?? '',
    extra: JSON.stringify(body.rest()),
  }
  await x.state.change(change => {
    refuseTaken(x, row)
    change.put('identity_groups', row)
  })
  return x.one(201, 'group', groupView, row)
}

async function update(x: Exchange): Promise<Answer> {
  x.allow('update_group')
  const id = x.param('id')
  const body = x.body('group')
  const row = await x.state.change(change => {
    const old = found('group', id, x.state.groups.get(id))
    const domainId = body.text('domain_id')
    if (domainId !== undefined && domainId !== old.domain_id) throw Invalid({ reason: 'Cannot change Domain ID' })
    const next: GroupRow = {
      ...old,
      name: body.text('name', { min: 1, max: 64 }) ?? old.name,
      description: body.has('description')
        ? (body.nullableText('description', { max: 65_535 }) ?? '')
        : old.description,
      extra: mergeExtra(old.extra, body.rest()),
    }
    refuseTaken(x, next)
    change.put('identity_groups', next)
    return next
  })
  return x.one(200, 'group', groupView, row)
}

function look(x: Exchange, action: string, ...grounds: boolean[]): GroupRow {
  const row = x.state.groups.get(x.param('id'))
  x.allow(action, x.isSystemReader, x.isDomainReader(row?.domain_id), ...grounds)
  return found('group', x.param('id'), row)
}

function memberRoutes(parts: Parts): void {
  const both = (x: Exchange) => {
    const group = found('group', x.param('id'), x.state.groups.get(x.param('id')))
    const user = found('user', x.param('user'), x.state.users.get(x.param('user')))
    return { group_id: group.id, user_id: user.id }
  }
  const missing = (row: { group_id: string; user_id: string }) =>
    MissingThing({ reason: `User '${row.user_id}' not found in group '${row.group_id}'.` })
  route(parts, 'GET', '/groups/:id/users', x => {
    const group = look(x, 'list_users_in_group')
    const rows = x.state.memberships.by('group', group.id).flatMap(m => x.state.users.get(m.user_id) ?? [])
    return x.list('users', rows, userView, ['domain_id', 'enabled', 'name'], `/groups/${group.id}/users`)
  })
  route(parts, 'PUT', '/groups/:id/users/:user', async x => {
    x.allow('add_user_to_group')
    await x.state.change(change => change.put('identity_memberships', both(x)))
    return noContent
  })
  route(parts, 'GET', '/groups/:id/users/:user', x => {
    look(x, 'check_user_in_group', x.isUser(x.param('user')))
    const row = both(x)
    if (x.state.memberships.get(row.group_id, row.user_id) === undefined) throw missing(row)
    return noContent
  })
  route(parts, 'DELETE', '/groups/:id/users/:user', async x => {
    x.allow('remove_user_from_group')
    await x.state.change(change => {
      const row = both(x)
      if (x.state.memberships.get(row.group_id, row.user_id) === undefined) throw missing(row)
      change.remove('identity_memberships', row)
    })
    return noContent
  })
}

export function groupRoutes(parts: Parts): void {
  route(parts, 'GET', '/groups', x => {
    const domainId = x.query.get('domain_id') ?? (x.caller.scope?.kind === 'domain' ? x.caller.scope.id : undefined)
    x.allow('list_groups', x.isSystemReader, x.isDomainReader(domainId))
    const rows = x.state.groups.all().filter(row => x.isAdmin || x.isSystemReader || row.domain_id === domainId)
    return x.list('groups', rows, groupView, ['domain_id', 'name'])
  })
  route(parts, 'POST', '/groups', create)
  route(parts, 'GET', '/groups/:id', x => x.one(200, 'group', groupView, look(x, 'get_group')))
  route(parts, 'PATCH', '/groups/:id', update)
  route(parts, 'DELETE', '/groups/:id', async x => {
    x.allow('delete_group')
    const id = x.param('id')
    await x.state.change(change => removeGroup(x.state, change, found('group', id, x.state.groups.get(id))))
    return noContent
  })
  memberRoutes(parts)
}
