import type { Kysely } from 'kysely'
import { standardResourceClasses, standardTraits } from '#model'
import type { Migration } from '#store/engine'
import type { PlacementTables } from './tables.ts'

async function createProviders(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('placement_state')
    .addColumn('id', 'integer', c => c.primaryKey())
    .addColumn('value', 'bigint', c => c.notNull())
    .addColumn('names', 'bigint', c => c.notNull())
    .execute()
  await schema
    .createTable('resource_providers')
    .addColumn('id', 'integer', c => c.primaryKey().autoIncrement())
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('name', 'varchar(200)', c => c.notNull().unique())
    .addColumn('generation', 'integer', c => c.notNull())
    .addColumn('parent_id', 'integer', c => c.references('resource_providers.id'))
    .addColumn('root_id', 'integer', c => c.references('resource_providers.id'))
    .addColumn('change', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('resource_providers_change').on('resource_providers').column('change').execute()
  // SQLite looks for children when a provider is deleted; without these that is a scan.
  await schema.createIndex('resource_providers_parent').on('resource_providers').column('parent_id').execute()
  await schema.createIndex('resource_providers_root').on('resource_providers').column('root_id').execute()
  await schema
    .createTable('removed_providers')
    .addColumn('id', 'integer', c => c.primaryKey())
    .addColumn('change', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('removed_providers_change').on('removed_providers').column('change').execute()
}

async function createDictionaries(db: Kysely<never>): Promise<void> {
  for (const table of ['resource_classes', 'traits']) {
    await db.schema
      .createTable(table)
      .addColumn('id', 'integer', c => c.primaryKey().autoIncrement())
      .addColumn('name', 'varchar(255)', c => c.notNull().unique())
      .addColumn('updated_at', 'bigint', c => c.notNull())
      .execute()
  }
}

async function createProviderDetails(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('inventories')
    .addColumn('provider_id', 'integer', c => c.notNull().references('resource_providers.id').onDelete('cascade'))
    .addColumn('class_id', 'integer', c => c.notNull().references('resource_classes.id'))
    .addColumn('total', 'integer', c => c.notNull())
    .addColumn('reserved', 'integer', c => c.notNull())
    .addColumn('min_unit', 'integer', c => c.notNull())
    .addColumn('max_unit', 'integer', c => c.notNull())
    .addColumn('step_size', 'integer', c => c.notNull())
    .addColumn('allocation_ratio', 'double precision', c => c.notNull())
    .addColumn('updated_at', 'bigint', c => c.notNull())
    .addPrimaryKeyConstraint('inventories_key', ['provider_id', 'class_id'])
    .execute()
  await schema
    .createTable('provider_traits')
    .addColumn('provider_id', 'integer', c => c.notNull().references('resource_providers.id').onDelete('cascade'))
    .addColumn('trait_id', 'integer', c => c.notNull().references('traits.id'))
    .addPrimaryKeyConstraint('provider_traits_key', ['provider_id', 'trait_id'])
    .execute()
  await schema.createIndex('provider_traits_trait').on('provider_traits').column('trait_id').execute()
  await schema
    .createTable('provider_aggregates')
    .addColumn('provider_id', 'integer', c => c.notNull().references('resource_providers.id').onDelete('cascade'))
    .addColumn('aggregate_uuid', 'varchar(36)', c => c.notNull())
    .addPrimaryKeyConstraint('provider_aggregates_key', ['provider_id', 'aggregate_uuid'])
    .execute()
}

async function createConsumers(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('consumers')
    .addColumn('uuid', 'varchar(36)', c => c.primaryKey())
    .addColumn('generation', 'integer', c => c.notNull())
    .addColumn('project_id', 'varchar(255)', c => c.notNull())
    .addColumn('user_id', 'varchar(255)', c => c.notNull())
    .addColumn('consumer_type', 'varchar(255)')
    .addColumn('updated_at', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('consumers_owner').on('consumers').columns(['project_id', 'user_id']).execute()
  await schema
    .createTable('allocations')
    .addColumn('consumer_uuid', 'varchar(36)', c => c.notNull().references('consumers.uuid').onDelete('cascade'))
    .addColumn('provider_id', 'integer', c => c.notNull().references('resource_providers.id'))
    .addColumn('class_id', 'integer', c => c.notNull().references('resource_classes.id'))
    .addColumn('used', 'integer', c => c.notNull())
    .addPrimaryKeyConstraint('allocations_key', ['consumer_uuid', 'provider_id', 'class_id'])
    .execute()
  await schema.createIndex('allocations_usage').on('allocations').columns(['provider_id', 'class_id', 'used']).execute()
}

async function fill(db: Kysely<PlacementTables>): Promise<void> {
  await db.insertInto('placement_state').values({ id: 1, value: 0, names: 0 }).execute()
  // Ids start at 1 here, not at 0 as in the Python service: an auto-increment column takes no 0 in the MySQL family.
  const classes = standardResourceClasses.map((name, index) => ({ id: index + 1, name, updated_at: 0 }))
  await db.insertInto('resource_classes').values(classes).execute()
  await db
    .insertInto('traits')
    .values(standardTraits.map(name => ({ name, updated_at: 0 })))
    .execute()
}

/** The schema's history; never edited after a release. */
export const migrations: readonly Migration[] = [
  {
    name: '001-initial',
    up: async db => {
      await createProviders(db)
      await createDictionaries(db)
      await createProviderDetails(db)
      await createConsumers(db)
      await fill(db as unknown as Kysely<PlacementTables>)
    },
  },
]
