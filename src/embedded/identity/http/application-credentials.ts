import { randomBytes } from 'node:crypto'
import { isRecord, type Json, newHexId } from '#base'
import { duplicate, Forbidden, ForbiddenAction, found, Invalid } from '../faults.ts'
import { removeApplicationCredential } from '../removal.ts'
import type { ApplicationCredentialRow } from '../store/rows.ts'
import { type BodyReader } from './body.ts'
import { type Answer, created, type Exchange, noContent, type Parts, route } from './exchange.ts'
import { applicationCredentialView } from './render.ts'

/** Microseconds of `2026-01-31T12:00:00[.000000][Z]`, in the future. */
function expiryOf(x: Exchange, body: BodyReader): number | null {
  const value = body.nullableText('expires_at')
  if (value === undefined || value === null) return null
  const [, whole = '', fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z?$/.exec(value) ?? []
  const at = Date.parse(`${whole}Z`) * 1000 + Number(fraction.padEnd(6, '0'))
  const rest =
    'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.'
  if (Number.isNaN(at)) throw Invalid({ reason: `Timestamp not in expected format. ${rest}` })
  if (at <= x.parts.now() * 1000) throw Invalid({ reason: `The 'expires_at' must not be before now. ${rest}` })
  return at
}

/** The roles asked for, all of which the token must have; by default those of the token. */
function rolesOf(x: Exchange, given: Json | undefined): string[] {
  const held = x.caller.roles.map(role => role.id)
  if (given === undefined || given === null || (Array.isArray(given) && given.length === 0)) return held
  if (!Array.isArray(given)) throw Invalid({ reason: "Invalid input for field 'roles': not of type 'array'" })
  return given.map(item => {
    const wanted = isRecord(item) ? item : {}
    const byName = typeof wanted.name === 'string' ? x.state.roles.by('name', `/${wanted.name}`)[0] : undefined
    const id = typeof wanted.id === 'string' ? wanted.id : byName?.id
    const role = found('role', id ?? String(wanted.name), id === undefined ? undefined : x.state.roles.get(id))
    if (!held.includes(role.id)) {
      throw Invalid({
        reason: `Invalid application credential: Could not find role assignment with role: ${role.id}, user or group: ${x.caller.user.id}, project, domain, or system: ${x.caller.target?.id ?? 'None'}.`,
      })
    }
    return role.id
  })
}

/** A restricted application credential cannot make or remove others. */
function refuseRestricted(x: Exchange): void {
  if (x.caller.applicationCredential?.unrestricted === 0) {
    throw ForbiddenAction({
      action: "Using method 'application_credential' is not allowed for managing additional application credentials.",
    })
  }
}

async function create(x: Exchange): Promise<Answer> {
  // Only oneself: not even an admin makes credentials in somebody else's name.
  if (!x.isUser(x.param('id'))) throw ForbiddenAction({ action: 'identity:create_application_credential' })
  refuseRestricted(x)
  const { scope } = x.caller
  if (scope?.kind !== 'project') throw Forbidden({})
  const body = x.body('application_credential')
  const rules = body.raw('access_rules')
  if (Array.isArray(rules) && rules.length > 0) {
    throw Invalid({
      reason: 'Access rules of application credentials are not offered by the built-in identity service.',
    })
  }
  const secret = body.nullableText('secret', { max: 255 }) ?? randomBytes(64).toString('base64url')
  const row: ApplicationCredentialRow = {
    id: newHexId(),
    user_id: x.caller.user.id,
    project_id: scope.id,
    name: body.requiredText('name'),
    description: body.nullableText('description', { max: 65_535 }) ?? null,
    expires_at_us: expiryOf(x, body),
    unrestricted: (body.boolean('unrestricted') ?? false) ? 1 : 0,
    role_ids: JSON.stringify(rolesOf(x, body.raw('roles'))),
    secret_hash: await x.parts.passwords.hash(secret),
  }
  await x.state.change(change => {
    found('user', row.user_id, x.state.users.get(row.user_id))
    if (x.state.applicationCredentials.by('user', row.user_id).some(other => other.name === row.name)) {
      throw duplicate('application_credential', row.name)
    }
    change.put('identity_application_credentials', row)
  })
  const view = applicationCredentialView(path => x.url(path), x.state, row)
  return created({ application_credential: { ...view, secret } })
}

function look(x: Exchange, action: string): ApplicationCredentialRow {
  const id = x.param('credential')
  const row = x.state.applicationCredentials.get(id)
  // Ownership is the credential's, not what the path says.
  x.allow(action, x.isUser(row?.user_id ?? x.param('id')), action.startsWith('get') && x.isSystemReader)
  return found('application_credential', id, row)
}

export function applicationCredentialRoutes(parts: Parts): void {
  const url = '/users/:id/application_credentials'
  route(parts, 'GET', url, x => {
    const id = x.param('id')
    x.allow('list_application_credentials', x.isUser(id), x.isSystemReader)
    const user = found('user', id, x.state.users.get(id))
    const rows = x.state.applicationCredentials.by('user', user.id)
    const view = (link: (path: string) => string, row: ApplicationCredentialRow) =>
      applicationCredentialView(link, x.state, row)
    return x.list('application_credentials', rows, view, ['name'], `/users/${id}/application_credentials`)
  })
  route(parts, 'POST', url, create)
  route(parts, 'GET', `${url}/:credential`, x => {
    const row = look(x, 'get_application_credential')
    return x.one(200, 'application_credential', (link, one) => applicationCredentialView(link, x.state, one), row)
  })
  route(parts, 'DELETE', `${url}/:credential`, async x => {
    refuseRestricted(x)
    const row = look(x, 'delete_application_credential')
    await x.state.change(change => removeApplicationCredential(x.state, change, row))
    return noContent
  })
}
