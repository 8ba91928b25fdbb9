import { newHexId } from '#base'
import type { Passwords } from './passwords.ts'
import type { ProjectRow, RoleRow, UserRow } from './store/rows.ts'
import type { IdentityChange, IdentityState } from './store/state.ts'

export interface Bootstrapped {
  readonly adminProjectId: string
  readonly serviceProjectId: string
  readonly demoProjectId: string
  readonly adminUserId: string
  readonly serviceUserId: string
  readonly roleIds: Readonly<Record<string, string>>
}

/** Keystone's default roles, each implying the next, and the one services carry. */
const chain = ['admin', 'manager', 'member', 'reader'] as const
const domainId = 'default'
const immutable = JSON.stringify({ immutable: true })

const project = (name: string, description: string): ProjectRow => ({
  id: newHexId(),
  name,
  domain_id: domainId,
  parent_id: domainId,
  is_domain: 0,
  enabled: 1,
  description,
  tags: '[]',
  extra: '{}',
  options: '{}',
})

const user = (name: string): UserRow => ({
  id: newHexId(),
  name,
  domain_id: domainId,
  default_project_id: null,
  enabled: 1,
  password_hash: null,
  extra: '{}',
  options: '{}',
})

const role = (name: string): RoleRow => ({
  id: newHexId(),
  name,
  domain_id: '',
  description: null,
  extra: '{}',
  options: immutable,
})

function ensureProject(state: IdentityState, change: IdentityChange, name: string, description: string): string {
  const known = state.projects.by('name', `${domainId}/${name}`)[0]
  if (known !== undefined) return known.id
  const row = project(name, description)
  change.put('identity_projects', row)
  return row.id
}

function ensureRole(state: IdentityState, change: IdentityChange, name: string): string {
  const known = state.roles.by('name', `/${name}`)[0]
  if (known !== undefined) return known.id
  const row = role(name)
  change.put('identity_roles', row)
  return row.id
}

/** The user with this password, if one is given; whoever starts the cloud says what it is. */
function ensureUser(
  state: IdentityState,
  change: IdentityChange,
  name: string,
  passwordHash: string | undefined,
): string {
  const row = state.users.by('name', `${domainId}/${name}`)[0] ?? user(name)
  const wanted = { ...row, password_hash: passwordHash ?? row.password_hash, enabled: 1 }
  if (state.users.get(row.id) === undefined || wanted.password_hash !== row.password_hash || row.enabled === 0) {
    change.put('identity_users', wanted)
  }
  return row.id
}

function grant(change: IdentityChange, userId: string, target: 'system' | { project: string }, roleId: string): void {
  change.put('identity_assignments', {
    actor_kind: 'user',
    actor_id: userId,
    target_kind: target === 'system' ? 'system' : 'project',
    target_id: target === 'system' ? 'system' : target.project,
    role_id: roleId,
    inherited: 0,
  })
}

/** A new hash when the user is new or the password differs. */
async function newHash(state: IdentityState, passwords: Passwords, name: string, password: string | undefined) {
  if (password === undefined) return undefined
  const stored = state.users.by('name', `${domainId}/${name}`)[0]?.password_hash ?? null
  return stored !== null && (await passwords.matches(name, password, stored)) ? undefined : passwords.hash(password)
}

/** What `keystone-manage bootstrap` makes, and the nova service user; run at every start, changes only what is missing. */
export async function bootstrap(
  state: IdentityState,
  passwords: Passwords,
  given: { adminPassword: string; servicePassword?: string },
): Promise<Bootstrapped> {
  const adminHash = await newHash(state, passwords, 'admin', given.adminPassword)
  const serviceHash = await newHash(state, passwords, 'nova', given.servicePassword)
  return state.change(change => {
    if (state.projects.get(domainId) === undefined) {
      change.put('identity_projects', {
        ...project('Default', 'The default domain'),
        id: domainId,
        domain_id: '',
        parent_id: '',
        is_domain: 1,
      })
    }
    const adminProjectId = ensureProject(state, change, 'admin', 'Bootstrap project for initializing the cloud.')
    const serviceProjectId = ensureProject(state, change, 'service', 'Project of the service users')
    const demoProjectId = ensureProject(state, change, 'demo', '')
    const roleIds = Object.fromEntries([...chain, 'service'].map(name => [name, ensureRole(state, change, name)]))
    const roleId = (name: string): string => roleIds[name] ?? ''
    for (const [at, prior] of chain.entries()) {
      const implied = chain[at + 1]
      if (implied === undefined) continue
      change.put('identity_implied_roles', { prior_role_id: roleId(prior), implied_role_id: roleId(implied) })
    }
    const adminUserId = ensureUser(state, change, 'admin', adminHash)
    const serviceUserId = ensureUser(state, change, 'nova', serviceHash)
    grant(change, adminUserId, { project: adminProjectId }, roleId('admin'))
    grant(change, adminUserId, { project: demoProjectId }, roleId('admin'))
    grant(change, adminUserId, 'system', roleId('admin'))
    grant(change, serviceUserId, { project: serviceProjectId }, roleId('admin'))
    grant(change, serviceUserId, { project: serviceProjectId }, roleId('service'))
    return { adminProjectId, serviceProjectId, demoProjectId, adminUserId, serviceUserId, roleIds }
  })
}
