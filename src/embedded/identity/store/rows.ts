/** The tables of the built-in identity service, one interface each; times in milliseconds, flags 0 or 1. */

/** A project, or a domain (`is_domain`): as in Keystone both share one table and one space of ids. */
export interface ProjectRow {
  readonly id: string
  readonly name: string
  /** Empty for a domain. */
  readonly domain_id: string
  /** The parent project; the domain's id for a top project; empty for a domain. */
  readonly parent_id: string
  readonly is_domain: number
  readonly enabled: number
  readonly description: string
  /** JSON list of strings. */
  readonly tags: string
  /** JSON object of attributes the service does not know. */
  readonly extra: string
  readonly options: string
}

export interface UserRow {
  readonly id: string
  readonly name: string
  readonly domain_id: string
  readonly default_project_id: string | null
  readonly enabled: number
  /** Null: nobody can log in with a password. */
  readonly password_hash: string | null
  readonly extra: string
  readonly options: string
}

export interface GroupRow {
  readonly id: string
  readonly name: string
  readonly domain_id: string
  readonly description: string
  readonly extra: string
}

export interface MembershipRow {
  readonly group_id: string
  readonly user_id: string
}

export interface RoleRow {
  readonly id: string
  readonly name: string
  /** Empty for a global role. */
  readonly domain_id: string
  readonly description: string | null
  readonly extra: string
  readonly options: string
}

export interface ImpliedRoleRow {
  readonly prior_role_id: string
  readonly implied_role_id: string
}

export type ActorKind = 'user' | 'group'
export type TargetKind = 'project' | 'domain' | 'system'

export interface AssignmentRow {
  readonly actor_kind: ActorKind
  readonly actor_id: string
  readonly target_kind: TargetKind
  /** `system` for the whole deployment. */
  readonly target_id: string
  readonly role_id: string
  /** 1: not on the target itself but on the projects below it. */
  readonly inherited: number
}

export interface RegionRow {
  readonly id: string
  readonly parent_region_id: string | null
  readonly description: string
  readonly extra: string
}

export interface ServiceRow {
  readonly id: string
  readonly type: string
  readonly enabled: number
  /** JSON: name, description and whatever else was given. */
  readonly extra: string
}

export interface EndpointRow {
  readonly id: string
  readonly service_id: string
  readonly interface: string
  readonly region_id: string | null
  readonly url: string
  readonly enabled: number
  readonly extra: string
}

export interface ApplicationCredentialRow {
  readonly id: string
  readonly user_id: string
  readonly project_id: string
  readonly name: string
  readonly description: string | null
  readonly secret_hash: string
  /** Microseconds: the client gets back what it gave. */
  readonly expires_at_us: number | null
  readonly unrestricted: number
  /** JSON list of role ids. */
  readonly role_ids: string
}

export interface TokenRow {
  /** SHA-256 of the token: whoever reads the file cannot act as its users. */
  readonly hash: string
  readonly user_id: string
  /** JSON list. */
  readonly methods: string
  readonly project_id: string | null
  readonly domain_id: string | null
  readonly is_system: number
  readonly application_credential_id: string | null
  readonly audit_id: string
  readonly parent_audit_id: string | null
  readonly issued_at_ms: number
  readonly expires_at_ms: number
}

export interface CredentialRow {
  readonly id: string
  readonly user_id: string
  readonly project_id: string | null
  readonly type: string
  readonly blob: string
}

export interface RegisteredLimitRow {
  readonly id: string
  readonly service_id: string
  readonly region_id: string | null
  readonly resource_name: string
  readonly default_limit: number
  readonly description: string | null
}

export interface LimitRow {
  readonly id: string
  readonly registered_limit_id: string
  readonly project_id: string | null
  readonly domain_id: string | null
  readonly resource_limit: number
  readonly description: string | null
}

export interface IdentityTables {
  identity_projects: ProjectRow
  identity_users: UserRow
  identity_groups: GroupRow
  identity_memberships: MembershipRow
  identity_roles: RoleRow
  identity_implied_roles: ImpliedRoleRow
  identity_assignments: AssignmentRow
  identity_regions: RegionRow
  identity_services: ServiceRow
  identity_endpoints: EndpointRow
  identity_application_credentials: ApplicationCredentialRow
  identity_tokens: TokenRow
  identity_credentials: CredentialRow
  identity_registered_limits: RegisteredLimitRow
  identity_limits: LimitRow
}
