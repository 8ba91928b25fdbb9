import type { ActorKind, AssignmentRow, ProjectRow, RoleRow } from './store/rows.ts'
import { actorKey, type IdentityState } from './store/state.ts'

/** Where a token, or a question about roles, points at. */
export type Scope =
  | { readonly kind: 'project'; readonly id: string }
  | { readonly kind: 'domain'; readonly id: string }
  | { readonly kind: 'system' }

/** The projects above a project, nearest first, its domain last. */
export function ancestors(state: IdentityState, project: ProjectRow): ProjectRow[] {
  const chain: ProjectRow[] = []
  for (let parent = state.projects.get(project.parent_id); parent !== undefined; ) {
    chain.push(parent)
    parent = parent.parent_id === '' ? undefined : state.projects.get(parent.parent_id)
  }
  return chain
}

/** All projects below one, in no particular order. */
export function descendants(state: IdentityState, projectId: string): ProjectRow[] {
  const below: ProjectRow[] = []
  const open = [projectId]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const child of state.projects.by('parent', id)) {
      below.push(child)
      open.push(child.id)
    }
  }
  return below
}

/** The roles with all that they imply, however far. */
export function withImplied(state: IdentityState, roleIds: Iterable<string>): Set<string> {
  const all = new Set(roleIds)
  for (const id of all) for (const implied of state.impliedRoles.by('prior', id)) all.add(implied.implied_role_id)
  return all
}

/** What a user holds directly and through groups. */
export function assignmentsOf(state: IdentityState, userId: string): AssignmentRow[] {
  const own = state.assignments.by('actor', actorKey('user', userId))
  const groups = state.memberships.by('user', userId)
  return [...own, ...groups.flatMap(m => state.assignments.by('actor', actorKey('group', m.group_id)))]
}

function applies(state: IdentityState, assignment: AssignmentRow, scope: Scope): boolean {
  if (scope.kind === 'system') return assignment.target_kind === 'system'
  if (assignment.target_kind === scope.kind && assignment.target_id === scope.id) return assignment.inherited === 0
  if (scope.kind !== 'project' || assignment.inherited === 0) return false
  const project = state.projects.get(scope.id)
  return project !== undefined && ancestors(state, project).some(above => above.id === assignment.target_id)
}

/** Role ids a user has in a scope: own, by group, inherited, implied. Domain-specific roles count only by what they imply. */
export function rolesIn(state: IdentityState, userId: string, scope: Scope): RoleRow[] {
  const direct = assignmentsOf(state, userId).filter(a => applies(state, a, scope))
  const ids = withImplied(
    state,
    direct.map(a => a.role_id),
  )
  return [...ids].flatMap(id => {
    const role = state.roles.get(id)
    return role === undefined || role.domain_id !== '' ? [] : [role]
  })
}

/** Enabled projects on which the user has any role. */
export function projectsOf(state: IdentityState, userId: string): ProjectRow[] {
  const projects = new Map<string, ProjectRow>()
  const add = (project: ProjectRow | undefined) => {
    if (project !== undefined && project.is_domain === 0) projects.set(project.id, project)
  }
  for (const a of assignmentsOf(state, userId)) {
    if (a.target_kind === 'system') continue
    if (a.inherited === 1) for (const below of descendants(state, a.target_id)) add(below)
    else if (a.target_kind === 'project') add(state.projects.get(a.target_id))
  }
  return [...projects.values()]
}

/** Domains on which the user has any role. */
export function domainsOf(state: IdentityState, userId: string): ProjectRow[] {
  const ids = assignmentsOf(state, userId).filter(a => a.target_kind === 'domain' && a.inherited === 0)
  return [...new Set(ids.map(a => a.target_id))].flatMap(id => state.projects.get(id) ?? [])
}

/** True for a project (or domain) that is enabled along with its domain. */
export function isUsable(state: IdentityState, project: ProjectRow): boolean {
  if (project.enabled === 0) return false
  return project.is_domain === 1 || state.projects.get(project.domain_id)?.enabled === 1
}

export type { ActorKind }
