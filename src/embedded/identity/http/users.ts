import { newHexId } from '#base'
import { projectsOf } from '../effective-roles.ts'
import { duplicate, found, Invalid, Unauthorized } from '../faults.ts'
import { maxPasswordLength } from '../passwords.ts'
import { removeUser } from '../removal.ts'
import type { UserRow } from '../store/rows.ts'
import { revokeTokensOf } from '../tokens.ts'
import { BodyReader, mergeExtra, record } from './body.ts'
import { type Answer, bodyOf, type Exchange, noContent, type Parts, route, send } from './exchange.ts'
import { groupView, projectView, userView } from './render.ts'

function newPassword(body: BodyReader): string | null | undefined {
  // Not for this request, but it must not end up among the attributes that are kept as they are.
  body.raw('original_password')
  return body.nullableText('password', { max: maxPasswordLength, min: 1 })
}

/** The project exists or not, as in Keystone: but it is never a domain. */
function defaultProject(x: Exchange, id: string | null | undefined): string | null | undefined {
  if (id !== null && id !== undefined && x.state.projects.get(id)?.is_domain === 1) {
    throw Invalid({ reason: `User's default project ID cannot be a domain ID: ${id}` })
  }
  return id
}

function refuseTaken(x: Exchange, row: UserRow): void {
  const taken = x.state.users.by('name', `${row.domain_id}/${row.name}`).some(other => other.id !== row.id)
  if (taken) throw duplicate('user', row.name, row.domain_id)
}

async function create(x: Exchange): Promise<Answer> {
  x.allow('create_user')
  const body = x.body('user')
  const domainId = body.text('domain_id', { max: 64 }) ?? x.homeDomainId
  if (x.state.projects.get(domainId)?.is_domain !== 1) throw found('domain', domainId, undefined)
  const password = newPassword(body)
  const fields = {
    id: newHexId(),
    name: body.requiredText('name'),
    domain_id: domainId,
    default_project_id: defaultProject(x, body.nullableText('default_project_id', { max: 64 })) ?? null,
    enabled: (body.boolean('enabled') ?? true) ? 1 : 0,
    options: JSON.stringify(body.record('options') ?? {}),
  }
  const row: UserRow = {
    ...fields,
    password_hash: typeof password === 'string' ? await x.parts.passwords.hash(password) : null,
    extra: JSON.stringify(body.rest()),
  }
  await x.state.change(change => {
    refuseTaken(x, row)
    change.put('identity_users', row)
  })
  return x.one(201, 'user', userView, row)
}

function changedUser(x: Exchange, old: UserRow, body: BodyReader, passwordHash: string | null | undefined): UserRow {
  const domainId = body.text('domain_id')
  if (domainId !== undefined && domainId !== old.domain_id) throw Invalid({ reason: 'Cannot change Domain ID' })
  const enabled = body.boolean('enabled')
  const defaultProjectId = defaultProject(x, body.nullableText('default_project_id', { max: 64 }))
  const options = body.record('options')
  return {
    ...old,
    name: body.text('name', { min: 1 }) ?? old.name,
    enabled: enabled === undefined ? old.enabled : Number(enabled),
    default_project_id: defaultProjectId === undefined ? old.default_project_id : defaultProjectId,
    password_hash: passwordHash === undefined ? old.password_hash : passwordHash,
    options: options === undefined ? old.options : mergeExtra(old.options, options),
    extra: mergeExtra(old.extra, body.rest()),
  }
}

async function update(x: Exchange): Promise<Answer> {
  x.allow('update_user')
  const id = x.param('id')
  const body = x.body('user')
  found('user', id, x.state.users.get(id))
  const password = newPassword(body)
  const hash = typeof password === 'string' ? await x.parts.passwords.hash(password) : password
  const row = await x.state.change(change => {
    const old = found('user', id, x.state.users.get(id))
    const next = changedUser(x, old, body, hash)
    refuseTaken(x, next)
    // A new password or a disabled account ends every token for good, also once the account is enabled again.
    if (hash !== undefined || next.enabled === 0) revokeTokensOf(x.state, change, id)
    change.put('identity_users', next)
    return next
  })
  return x.one(200, 'user', userView, row)
}

async function remove(x: Exchange): Promise<Answer> {
  x.allow('delete_user')
  const id = x.param('id')
  await x.state.change(change => removeUser(x.state, change, found('user', id, x.state.users.get(id))))
  return noContent
}

/** Changing one's own password needs the old one and no token, as in Keystone. */
function passwordRoute(parts: Parts): void {
  parts.face.post<{ Params: { id: string } }>('/v3/users/:id/password', async (request, reply) => {
    const { state, passwords } = parts
    const body = new BodyReader(record(bodyOf(request), 'user', 'request body'))
    const original = body.requiredText('original_password', { max: maxPasswordLength })
    const password = body.requiredText('password', { max: maxPasswordLength, min: 1 })
    const { id } = request.params
    const user = state.users.get(id)
    const isRight = await passwords.matches(user?.id ?? '', original, user?.password_hash ?? null)
    if (!isRight || user === undefined || user.enabled === 0) throw Unauthorized({})
    const hash = await passwords.hash(password)
    await state.change(change => {
      const current = state.users.get(id)
      // Somebody else was faster: then the original password is no longer the right one.
      if (current === undefined || current.password_hash !== user.password_hash) throw Unauthorized({})
      revokeTokensOf(state, change, id)
      change.put('identity_users', { ...current, password_hash: hash })
    })
    return send(reply, noContent)
  })
}

/** Grounds on which somebody may look at a user: oneself, or a reader of the user's domain or of the system. */
function allowLook(x: Exchange, action: string): UserRow {
  const id = x.param('id')
  const row = x.state.users.get(id)
  x.allow(action, x.isUser(id), x.isSystemReader, x.isDomainReader(row?.domain_id))
  return found('user', id, row)
}

export function userRoutes(parts: Parts): void {
  route(parts, 'GET', '/users', x => {
    const domainId = x.query.get('domain_id') ?? (x.caller.scope?.kind === 'domain' ? x.caller.scope.id : undefined)
    x.allow('list_users', x.isSystemReader, x.isDomainReader(domainId))
    const rows = x.state.users.all().filter(row => x.isAdmin || x.isSystemReader || row.domain_id === domainId)
    return x.list('users', rows, userView, ['domain_id', 'enabled', 'name', 'default_project_id'])
  })
  route(parts, 'POST', '/users', create)
  route(parts, 'GET', '/users/:id', x => x.one(200, 'user', userView, allowLook(x, 'get_user')))
  route(parts, 'PATCH', '/users/:id', update)
  route(parts, 'DELETE', '/users/:id', remove)
  route(parts, 'GET', '/users/:id/projects', x => {
    const user = allowLook(x, 'list_user_projects')
    const rows = projectsOf(x.state, user.id)
    return x.list('projects', rows, projectView, ['domain_id', 'enabled', 'name'], `/users/${user.id}/projects`)
  })
  route(parts, 'GET', '/users/:id/groups', x => {
    const user = allowLook(x, 'list_groups_for_user')
    const rows = x.state.memberships.by('user', user.id).flatMap(m => x.state.groups.get(m.group_id) ?? [])
    return x.list('groups', rows, groupView, ['name'], `/users/${user.id}/groups`)
  })
  passwordRoute(parts)
}
