import { AssignmentNotFound, found, Invalid } from '../faults.ts'
import { removeGrant } from '../removal.ts'
import type { ActorKind, AssignmentRow, TargetKind } from '../store/rows.ts'
import { actorKey } from '../store/state.ts'
import { type Answer, type Exchange, noContent, type Parts, route } from './exchange.ts'
import { roleView } from './render.ts'

/** One family of grant URLs: whose roles, on what, inherited or not. */
interface Family {
  readonly actor: ActorKind
  readonly target: TargetKind
  readonly inherited: 0 | 1
  /** Up to and including `/roles`. */
  readonly url: string
  /** After the role id of an inherited grant. */
  readonly tail: string
}

const families: readonly Family[] = (['user', 'group'] as const).flatMap((actor): Family[] => [
  { actor, target: 'system', inherited: 0, url: `/system/${actor}s/:actor/roles`, tail: '' },
  ...(['project', 'domain'] as const).flatMap((target): Family[] => {
    const url = `/${target}s/:target/${actor}s/:actor/roles`
    return [
      { actor, target, inherited: 0, url, tail: '' },
      { actor, target, inherited: 1, url: `/OS-INHERIT${url}`, tail: '/inherited_to_projects' },
    ]
  }),
])

const targetIdOf = (x: Exchange, family: Family): string => (family.target === 'system' ? 'system' : x.param('target'))

/** Actor and target exist; Keystone answers 404 otherwise. */
function requireBoth(x: Exchange, family: Family): void {
  const actor = x.param('actor')
  if (family.actor === 'user') found('user', actor, x.state.users.get(actor))
  else found('group', actor, x.state.groups.get(actor))
  if (family.target === 'system') return
  const target = x.param('target')
  const row = x.state.projects.get(target)
  found(family.target, target, row?.is_domain === (family.target === 'domain' ? 1 : 0) ? row : undefined)
}

function grantOf(x: Exchange, family: Family): AssignmentRow {
  requireBoth(x, family)
  const role = found('role', x.param('role'), x.state.roles.get(x.param('role')))
  if (role.domain_id !== '' && family.target === 'system') {
    throw Invalid({
      reason: `Role ${role.id} is a domain-specific role. Unable to use a domain-specific role in a system assignment.`,
    })
  }
  return {
    actor_kind: family.actor,
    actor_id: x.param('actor'),
    target_kind: family.target,
    target_id: targetIdOf(x, family),
    role_id: role.id,
    inherited: family.inherited,
  }
}

function existing(x: Exchange, family: Family): AssignmentRow {
  const row = grantOf(x, family)
  const key = [row.actor_kind, row.actor_id, row.target_kind, row.target_id, row.role_id, row.inherited] as const
  const known = x.state.assignments.get(...key)
  if (known === undefined) {
    throw AssignmentNotFound({ role: row.role_id, actor: row.actor_id, target: row.target_id })
  }
  return known
}

function list(x: Exchange, family: Family): Answer {
  x.allow(family.target === 'system' ? `list_system_grants_for_${family.actor}` : 'list_grants', x.isSystemReader)
  requireBoth(x, family)
  const roles = x.state.assignments
    .by('actor', actorKey(family.actor, x.param('actor')))
    .filter(a => a.target_kind === family.target && a.target_id === targetIdOf(x, family))
    .filter(a => a.inherited === family.inherited)
    .flatMap(a => x.state.roles.get(a.role_id) ?? [])
  return x.list('roles', roles, roleView, ['name'])
}

function familyRoutes(parts: Parts, family: Family): void {
  const noun = family.target === 'system' ? `system_grant_for_${family.actor}` : 'grant'
  const one = `${family.url}/:role${family.tail}`
  route(parts, 'GET', `${family.url}${family.tail}`, x => list(x, family))
  route(parts, 'PUT', one, async x => {
    x.allow(`create_${noun}`)
    await x.state.change(change => change.put('identity_assignments', grantOf(x, family)))
    return noContent
  })
  route(parts, 'GET', one, x => {
    x.allow(`check_${noun}`, x.isSystemReader)
    existing(x, family)
    return noContent
  })
  route(parts, 'DELETE', one, async x => {
    x.allow(`revoke_${noun}`)
    await x.state.change(change => removeGrant(x.state, change, existing(x, family)))
    return noContent
  })
}

/** Who has which role where, one grant at a time. */
export function grantRoutes(parts: Parts): void {
  for (const family of families) familyRoutes(parts, family)
}
