import type { Kysely } from 'kysely'
import type { Migration } from '#store/engine'

type Column = readonly [name: string, type: 'id' | 'name' | 'text' | 'integer' | 'bigint', presence?: 'null']

/** Creates a table whose primary key is its first `keys` columns. */
async function table(db: Kysely<never>, name: string, keys: number, columns: readonly Column[]): Promise<void> {
  const types = { id: 'varchar(64)', name: 'varchar(255)', text: 'text', integer: 'integer', bigint: 'bigint' } as const
  let create = db.schema.createTable(name)
  for (const [column, type, presence] of columns) {
    create = create.addColumn(column, types[type], c => (presence === 'null' ? c : c.notNull()))
  }
  await create.addPrimaryKeyConstraint(`${name}_key`, columns.slice(0, keys).map(c => c[0]) as never[]).execute()
}

/** Names are unique where Keystone's are; the database is the last word. */
async function unique(db: Kysely<never>, name: string, columns: readonly string[]): Promise<void> {
  await db.schema
    .createIndex(`${name}_unique`)
    .on(name)
    .columns([...columns])
    .unique()
    .execute()
}

async function createPeople(db: Kysely<never>): Promise<void> {
  await table(db, 'identity_projects', 1, [
    ['id', 'id'],
    ['name', 'name'],
    ['domain_id', 'id'],
    ['parent_id', 'id'],
    ['is_domain', 'integer'],
    ['enabled', 'integer'],
    ['description', 'text'],
    ['tags', 'text'],
    ['extra', 'text'],
    ['options', 'text'],
  ])
  await unique(db, 'identity_projects', ['domain_id', 'name'])
  await table(db, 'identity_users', 1, [
    ['id', 'id'],
    ['name', 'name'],
    ['domain_id', 'id'],
    ['default_project_id', 'id', 'null'],
    ['enabled', 'integer'],
    ['password_hash', 'text', 'null'],
    ['extra', 'text'],
    ['options', 'text'],
  ])
  await unique(db, 'identity_users', ['domain_id', 'name'])
  await table(db, 'identity_groups', 1, [
    ['id', 'id'],
    ['name', 'name'],
    ['domain_id', 'id'],
    ['description', 'text'],
    ['extra', 'text'],
  ])
  await unique(db, 'identity_groups', ['domain_id', 'name'])
  await table(db, 'identity_memberships', 2, [
    ['group_id', 'id'],
    ['user_id', 'id'],
  ])
}

async function createRoles(db: Kysely<never>): Promise<void> {
  await table(db, 'identity_roles', 1, [
    ['id', 'id'],
    ['name', 'name'],
    ['domain_id', 'id'],
    ['description', 'text', 'null'],
    ['extra', 'text'],
    ['options', 'text'],
  ])
  await unique(db, 'identity_roles', ['domain_id', 'name'])
  await table(db, 'identity_implied_roles', 2, [
    ['prior_role_id', 'id'],
    ['implied_role_id', 'id'],
  ])
  await table(db, 'identity_assignments', 6, [
    ['actor_kind', 'id'],
    ['actor_id', 'id'],
    ['target_kind', 'id'],
    ['target_id', 'id'],
    ['role_id', 'id'],
    ['inherited', 'integer'],
  ])
}

async function createCatalog(db: Kysely<never>): Promise<void> {
  await table(db, 'identity_regions', 1, [
    ['id', 'name'],
    ['parent_region_id', 'name', 'null'],
    ['description', 'text'],
    ['extra', 'text'],
  ])
  await table(db, 'identity_services', 1, [
    ['id', 'id'],
    ['type', 'name'],
    ['enabled', 'integer'],
    ['extra', 'text'],
  ])
  await table(db, 'identity_endpoints', 1, [
    ['id', 'id'],
    ['service_id', 'id'],
    ['interface', 'id'],
    ['region_id', 'name', 'null'],
    ['url', 'text'],
    ['enabled', 'integer'],
    ['extra', 'text'],
  ])
}

async function createTokens(db: Kysely<never>): Promise<void> {
  await table(db, 'identity_application_credentials', 1, [
    ['id', 'id'],
    ['user_id', 'id'],
    ['project_id', 'id'],
    ['name', 'name'],
    ['description', 'text', 'null'],
    ['secret_hash', 'text'],
    ['expires_at_us', 'bigint', 'null'],
    ['unrestricted', 'integer'],
    ['role_ids', 'text'],
  ])
  await unique(db, 'identity_application_credentials', ['user_id', 'name'])
  await table(db, 'identity_tokens', 1, [
    ['hash', 'id'],
    ['user_id', 'id'],
    ['methods', 'text'],
    ['project_id', 'id', 'null'],
    ['domain_id', 'id', 'null'],
    ['is_system', 'integer'],
    ['application_credential_id', 'id', 'null'],
    ['audit_id', 'id'],
    ['parent_audit_id', 'id', 'null'],
    ['issued_at_ms', 'bigint'],
    ['expires_at_ms', 'bigint'],
  ])
  await table(db, 'identity_credentials', 1, [
    ['id', 'id'],
    ['user_id', 'id'],
    ['project_id', 'id', 'null'],
    ['type', 'name'],
    ['blob', 'text'],
  ])
}

async function createLimits(db: Kysely<never>): Promise<void> {
  await table(db, 'identity_registered_limits', 1, [
    ['id', 'id'],
    ['service_id', 'id'],
    ['region_id', 'name', 'null'],
    ['resource_name', 'name'],
    ['default_limit', 'integer'],
    ['description', 'text', 'null'],
  ])
  await table(db, 'identity_limits', 1, [
    ['id', 'id'],
    ['registered_limit_id', 'id'],
    ['project_id', 'id', 'null'],
    ['domain_id', 'id', 'null'],
    ['resource_limit', 'integer'],
    ['description', 'text', 'null'],
  ])
}

export const identityMigrations: readonly Migration[] = [
  {
    name: '001-identity',
    up: async db => {
      await createPeople(db)
      await createRoles(db)
      await createCatalog(db)
      await createTokens(db)
      await createLimits(db)
    },
  },
]
