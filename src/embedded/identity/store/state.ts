import { type Change, type Database, migrate, Resident, type ResidentTable, type Shapes } from '#store/engine'
import { identityMigrations } from './migrations.ts'
import type { ActorKind, AssignmentRow, IdentityTables, TargetKind } from './rows.ts'

const inDomain = (row: { domain_id: string; name: string }): string => `${row.domain_id}/${row.name}`
export const actorKey = (kind: ActorKind, id: string): string => `${kind}/${id}`
export const targetKey = (kind: TargetKind, id: string): string => `${kind}/${id}`

const shapes: Shapes<IdentityTables> = {
  identity_projects: { key: ['id'], indexes: { name: inDomain, parent: row => row.parent_id } },
  identity_users: { key: ['id'], indexes: { name: inDomain } },
  identity_groups: { key: ['id'], indexes: { name: inDomain } },
  identity_memberships: {
    key: ['group_id', 'user_id'],
    indexes: { user: row => row.user_id, group: row => row.group_id },
  },
  identity_roles: { key: ['id'], indexes: { name: inDomain } },
  identity_implied_roles: { key: ['prior_role_id', 'implied_role_id'], indexes: { prior: row => row.prior_role_id } },
  identity_assignments: {
    key: ['actor_kind', 'actor_id', 'target_kind', 'target_id', 'role_id', 'inherited'],
    indexes: {
      actor: row => actorKey(row.actor_kind, row.actor_id),
      target: row => targetKey(row.target_kind, row.target_id),
    },
  },
  identity_regions: { key: ['id'] },
  identity_services: { key: ['id'] },
  identity_endpoints: { key: ['id'], indexes: { service: row => row.service_id } },
  identity_application_credentials: { key: ['id'], indexes: { user: row => row.user_id } },
  identity_tokens: { key: ['hash'], indexes: { user: row => row.user_id } },
  identity_credentials: { key: ['id'] },
  identity_registered_limits: { key: ['id'] },
  identity_limits: { key: ['id'] },
}

export type IdentityChange = Change<IdentityTables>

/** The service's rows, in memory and in its own tables. `revision` moves with every change that may alter what a token says. */
export class IdentityState {
  readonly #resident: Resident<IdentityTables>
  revision = 0

  readonly projects: ResidentTable<IdentityTables['identity_projects']>
  readonly users: ResidentTable<IdentityTables['identity_users']>
  readonly groups: ResidentTable<IdentityTables['identity_groups']>
  readonly memberships: ResidentTable<IdentityTables['identity_memberships']>
  readonly roles: ResidentTable<IdentityTables['identity_roles']>
  readonly impliedRoles: ResidentTable<IdentityTables['identity_implied_roles']>
  readonly assignments: ResidentTable<AssignmentRow>
  readonly regions: ResidentTable<IdentityTables['identity_regions']>
  readonly services: ResidentTable<IdentityTables['identity_services']>
  readonly endpoints: ResidentTable<IdentityTables['identity_endpoints']>
  readonly applicationCredentials: ResidentTable<IdentityTables['identity_application_credentials']>
  readonly tokens: ResidentTable<IdentityTables['identity_tokens']>
  readonly credentials: ResidentTable<IdentityTables['identity_credentials']>
  readonly registeredLimits: ResidentTable<IdentityTables['identity_registered_limits']>
  readonly limits: ResidentTable<IdentityTables['identity_limits']>

  private constructor(resident: Resident<IdentityTables>) {
    this.#resident = resident
    this.projects = resident.table('identity_projects')
    this.users = resident.table('identity_users')
    this.groups = resident.table('identity_groups')
    this.memberships = resident.table('identity_memberships')
    this.roles = resident.table('identity_roles')
    this.impliedRoles = resident.table('identity_implied_roles')
    this.assignments = resident.table('identity_assignments')
    this.regions = resident.table('identity_regions')
    this.services = resident.table('identity_services')
    this.endpoints = resident.table('identity_endpoints')
    this.applicationCredentials = resident.table('identity_application_credentials')
    this.tokens = resident.table('identity_tokens')
    this.credentials = resident.table('identity_credentials')
    this.registeredLimits = resident.table('identity_registered_limits')
    this.limits = resident.table('identity_limits')
  }

  static async load(db: Database<IdentityTables>): Promise<IdentityState> {
    await migrate(db, 'identity', identityMigrations)
    return new IdentityState(await Resident.load(db, shapes))
  }

  /** One atomic change; see `Resident.change`. */
  async change<T>(decide: (change: IdentityChange) => T): Promise<T> {
    const result = await this.#resident.change(decide)
    this.revision++
    return result
  }

  /** A change that only adds or removes tokens: nothing that another token says can differ afterwards. */
  changeTokens<T>(decide: (change: IdentityChange) => T): Promise<T> {
    return this.#resident.change(decide)
  }
}
