/** What goes along when something goes: nothing may keep pointing at a row that is no longer there. */
import { fromJson } from '#base'
import type { ApplicationCredentialRow, AssignmentRow, GroupRow, ProjectRow, RoleRow, UserRow } from './store/rows.ts'
import { actorKey, type IdentityChange, type IdentityState, targetKey } from './store/state.ts'
import { revokeTokensOf } from './tokens.ts'

function removeAssignments(change: IdentityChange, rows: readonly AssignmentRow[]): void {
  for (const row of rows) change.remove('identity_assignments', row)
}

export function removeApplicationCredential(
  state: IdentityState,
  change: IdentityChange,
  row: ApplicationCredentialRow,
): void {
  for (const token of state.tokens.by('user', row.user_id)) {
    if (token.application_credential_id === row.id) change.remove('identity_tokens', token)
  }
  change.remove('identity_application_credentials', row)
}

export function removeUser(state: IdentityState, change: IdentityChange, row: UserRow): void {
  revokeTokensOf(state, change, row.id)
  for (const credential of state.applicationCredentials.by('user', row.id)) {
    change.remove('identity_application_credentials', credential)
  }
  for (const credential of state.credentials.all()) {
    if (credential.user_id === row.id) change.remove('identity_credentials', credential)
  }
  for (const membership of state.memberships.by('user', row.id)) change.remove('identity_memberships', membership)
  removeAssignments(change, state.assignments.by('actor', actorKey('user', row.id)))
  change.remove('identity_users', row)
}

export function removeGroup(state: IdentityState, change: IdentityChange, row: GroupRow): void {
  for (const membership of state.memberships.by('group', row.id)) change.remove('identity_memberships', membership)
  removeAssignments(change, state.assignments.by('actor', actorKey('group', row.id)))
  change.remove('identity_groups', row)
}

export function removeProject(state: IdentityState, change: IdentityChange, row: ProjectRow): void {
  for (const token of state.tokens.all()) if (token.project_id === row.id) change.remove('identity_tokens', token)
  for (const credential of state.applicationCredentials.all()) {
    if (credential.project_id === row.id) removeApplicationCredential(state, change, credential)
  }
  for (const limit of state.limits.all()) if (limit.project_id === row.id) change.remove('identity_limits', limit)
  for (const user of state.users.all()) {
    if (user.default_project_id === row.id) change.put('identity_users', { ...user, default_project_id: null })
  }
  removeAssignments(change, state.assignments.by('target', targetKey('project', row.id)))
  change.remove('identity_projects', row)
}

export function removeRole(state: IdentityState, change: IdentityChange, row: RoleRow): void {
  for (const implied of state.impliedRoles.all()) {
    if (implied.prior_role_id === row.id || implied.implied_role_id === row.id) {
      change.remove('identity_implied_roles', implied)
    }
  }
  removeAssignments(
    change,
    state.assignments.all().filter(a => a.role_id === row.id),
  )
  for (const credential of state.applicationCredentials.all()) {
    if (fromJson<string[]>(credential.role_ids).includes(row.id)) removeApplicationCredential(state, change, credential)
  }
  change.remove('identity_roles', row)
}

/** A domain with everybody and everything in it. */
export function removeDomain(state: IdentityState, change: IdentityChange, domain: ProjectRow): void {
  for (const group of state.groups.all()) if (group.domain_id === domain.id) removeGroup(state, change, group)
  for (const role of state.roles.all()) if (role.domain_id === domain.id) removeRole(state, change, role)
  for (const project of state.projects.all()) {
    if (project.domain_id === domain.id) removeProject(state, change, project)
  }
  // After the projects: those write users whose default project goes.
  for (const user of state.users.all()) if (user.domain_id === domain.id) removeUser(state, change, user)
  for (const token of state.tokens.all()) if (token.domain_id === domain.id) change.remove('identity_tokens', token)
  for (const limit of state.limits.all()) if (limit.domain_id === domain.id) change.remove('identity_limits', limit)
  removeAssignments(change, state.assignments.by('target', targetKey('domain', domain.id)))
  change.remove('identity_projects', domain)
}

/** Takes a role from an actor, and the user's application credentials that carry it on that project. */
export function removeGrant(state: IdentityState, change: IdentityChange, row: AssignmentRow): void {
  change.remove('identity_assignments', row)
  if (row.actor_kind !== 'user' || row.target_kind !== 'project') return
  for (const credential of state.applicationCredentials.by('user', row.actor_id)) {
    const carries = fromJson<string[]>(credential.role_ids).includes(row.role_id)
    if (credential.project_id === row.target_id && carries) removeApplicationCredential(state, change, credential)
  }
}
