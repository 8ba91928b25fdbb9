import type { JsonRecord } from '#base'
import { descendants, withImplied } from '../effective-roles.ts'
import { found, Invalid } from '../faults.ts'
import type { AssignmentRow } from '../store/rows.ts'
import type { IdentityState } from '../store/state.ts'
import { type Answer, type Exchange, ok, type Parts, route } from './exchange.ts'

/** An assignment as listed: as stored, or with what it follows from when `effective`. */
interface Listed extends AssignmentRow {
  /** The group through which a user holds it. */
  readonly viaGroup?: string
  /** The project or domain it is inherited from. */
  readonly viaTarget?: { readonly kind: 'project' | 'domain'; readonly id: string }
  /** The role that implies it. */
  readonly viaRole?: string
}

/** Group members instead of groups, projects instead of inheritance, implied roles too. */
function effective(state: IdentityState, row: AssignmentRow): Listed[] {
  const people: Listed[] =
    row.actor_kind === 'user'
      ? [row]
      : state.memberships
          .by('group', row.actor_id)
          .map(m => ({ ...row, actor_kind: 'user', actor_id: m.user_id, viaGroup: row.actor_id }))
  const placed = people.flatMap((person): Listed[] => {
    if (row.inherited === 0 || row.target_kind === 'system') return [person]
    const viaTarget = { kind: row.target_kind, id: row.target_id } as const
    return descendants(state, row.target_id).map(project => ({
      ...person,
      target_kind: 'project',
      target_id: project.id,
      inherited: 0,
      viaTarget,
    }))
  })
  return placed.flatMap(listed => {
    const roles = [...withImplied(state, [listed.role_id])].filter(id => state.roles.get(id)?.domain_id === '')
    return roles.map(id => (id === listed.role_id ? listed : { ...listed, role_id: id, viaRole: listed.role_id }))
  })
}

function linkOf(x: Exchange, row: Listed): JsonRecord {
  const place = row.viaTarget ?? { kind: row.target_kind, id: row.target_id }
  const target = place.kind === 'system' ? '/system' : `/${place.kind}s/${place.id}`
  const actor = row.viaGroup === undefined ? `/${row.actor_kind}s/${row.actor_id}` : `/groups/${row.viaGroup}`
  const path = `${target}${actor}/roles/${row.viaRole ?? row.role_id}`
  const isInherited = row.inherited === 1 || row.viaTarget !== undefined
  return {
    ...(row.viaGroup === undefined ? {} : { membership: x.url(`/groups/${row.viaGroup}/users/${row.actor_id}`) }),
    assignment: x.url(isInherited ? `/OS-INHERIT${path}/inherited_to_projects` : path),
    ...(row.viaRole === undefined ? {} : { prior_role: x.url(`/prior_role/${row.viaRole}/implies/${row.role_id}`) }),
  }
}

/** `{id}`, or with names and domain. */
function named(state: IdentityState, row: { id: string; name: string; domain_id: string }): JsonRecord {
  const domain = row.domain_id === '' ? undefined : state.projects.get(row.domain_id)
  return {
    id: row.id,
    name: row.name,
    ...(domain === undefined ? {} : { domain: { id: domain.id, name: domain.name } }),
  }
}

function view(x: Exchange, row: Listed, withNames: boolean): JsonRecord[] {
  const { state } = x
  const actor = row.actor_kind === 'user' ? state.users.get(row.actor_id) : state.groups.get(row.actor_id)
  const role = state.roles.get(row.role_id)
  const target = row.target_kind === 'system' ? undefined : state.projects.get(row.target_id)
  if (actor === undefined || role === undefined) return []
  const scope: JsonRecord =
    target === undefined
      ? { system: { all: true } }
      : { [row.target_kind]: withNames ? named(state, target) : { id: target.id } }
  if (row.inherited === 1 || row.viaTarget !== undefined) scope['OS-INHERIT:inherited_to'] = 'projects'
  return [
    {
      links: linkOf(x, row),
      scope,
      [row.actor_kind]: withNames ? named(state, actor) : { id: actor.id },
      role: withNames ? named(state, role) : { id: role.id },
    },
  ]
}

function refuseUseless(x: Exchange): void {
  const has = (name: string): boolean => (x.query.get(name) ?? '') !== ''
  if (has('scope.domain.id') && has('scope.project.id'))
    throw Invalid({ reason: 'Specify a domain or project, not both' })
  if (has('scope.domain.id') && has('scope.system')) throw Invalid({ reason: 'Specify system or domain, not both' })
  if (has('scope.project.id') && has('scope.system')) throw Invalid({ reason: 'Specify system or project, not both' })
  if (has('user.id') && has('group.id')) throw Invalid({ reason: 'Specify a user or group, not both' })
  if (!x.flag('effective')) return
  if (has('group.id')) {
    throw Invalid({ reason: 'Combining effective and group filter will always result in an empty list.' })
  }
  if (has('scope.domain.id') && has('scope.OS-INHERIT:inherited_to')) {
    throw Invalid({
      reason: 'Combining effective, domain and inherited filters will always result in an empty list.',
    })
  }
}

/** The query's filters as one test. */
function wanted(x: Exchange, subtree: ReadonlySet<string> | undefined): (row: Listed) => boolean {
  const get = (name: string): string | undefined => x.query.get(name) || undefined
  const [role, user, group] = [get('role.id'), get('user.id'), get('group.id')]
  const [project, domain, system] = [get('scope.project.id'), get('scope.domain.id'), get('scope.system')]
  const inheritedTo = x.query.get('scope.OS-INHERIT:inherited_to')
  const isInherited = (row: Listed): boolean => row.inherited === 1 || row.viaTarget !== undefined
  return row =>
    (role === undefined || row.role_id === role) &&
    (user === undefined || (row.actor_kind === 'user' && row.actor_id === user)) &&
    (group === undefined || (row.actor_kind === 'group' && row.actor_id === group)) &&
    (project === undefined ||
      (row.target_kind === 'project' && (subtree?.has(row.target_id) ?? row.target_id === project))) &&
    (domain === undefined || (row.target_kind === 'domain' && row.target_id === domain)) &&
    (system === undefined || row.target_kind === 'system') &&
    (inheritedTo === null || isInherited(row) === (inheritedTo === 'projects'))
}

/** What somebody whose token is for a domain may see of the list: that domain's part. */
function inOwnDomain(x: Exchange): (row: Listed) => boolean {
  const { scope } = x.caller
  if (scope?.kind !== 'domain') return () => true
  return row => row.target_id === scope.id || x.state.projects.get(row.target_id)?.domain_id === scope.id
}

function list(x: Exchange): Answer {
  const projectId = x.query.get('scope.project.id') ?? ''
  let subtree: Set<string> | undefined
  if (x.flag('include_subtree')) {
    x.allow('list_role_assignments_for_tree')
    if (projectId === '') {
      throw Invalid({ reason: 'scope.project.id must be specified if include_subtree is also specified' })
    }
    found('project', projectId, x.state.projects.get(projectId))
    subtree = new Set([projectId, ...descendants(x.state, projectId).map(row => row.id)])
  } else {
    x.allow('list_role_assignments', x.isSystemReader, x.isDomainReader(x.caller.target?.id))
  }
  refuseUseless(x)
  const all = x.state.assignments.all()
  const rows: Listed[] = x.flag('effective') ? all.flatMap(row => effective(x.state, row)) : all
  const test = wanted(x, subtree)
  const ours = inOwnDomain(x)
  const withNames = x.flag('include_names')
  const at = x.request.url.indexOf('?')
  const self = x.url('/role_assignments') + (at < 0 ? '' : x.request.url.slice(at))
  return ok({
    role_assignments: rows.filter(row => test(row) && ours(row)).flatMap(row => view(x, row, withNames)),
    links: { next: null, self, previous: null },
  })
}

export function roleAssignmentRoutes(parts: Parts): void {
  route(parts, 'GET', '/role_assignments', list)
}
