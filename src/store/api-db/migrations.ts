import { type Kysely, sql } from 'kysely'
import type { Migration } from '../engine/index.ts'
import { cellTables } from './cell-tables.ts'
import { schedulingDecisions } from './decisions.ts'
import { serverGroupTables } from './server-groups.ts'

const integerKey = sql`integer primary key autoincrement`

async function first(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('flavors')
    .addColumn('number', integerKey)
    .addColumn('flavor_id', 'varchar(255)', c => c.notNull().unique())
    .addColumn('name', 'varchar(255)', c => c.notNull().unique())
    .addColumn('memory_mib', 'integer', c => c.notNull())
    .addColumn('vcpus', 'integer', c => c.notNull())
    .addColumn('root_gib', 'integer', c => c.notNull())
    .addColumn('ephemeral_gib', 'integer', c => c.notNull())
    .addColumn('swap_mib', 'integer', c => c.notNull())
    .addColumn('rxtx_factor', 'double precision', c => c.notNull())
    .addColumn('is_public', 'integer', c => c.notNull())
    .addColumn('is_disabled', 'integer', c => c.notNull())
    .addColumn('description', 'text')
    .addColumn('extra_specs_json', 'text', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .execute()
  await schema
    .createTable('flavor_projects')
    .addColumn('flavor_number', 'integer', c => c.notNull())
    .addColumn('project_id', 'varchar(255)', c => c.notNull())
    .addPrimaryKeyConstraint('flavor_projects_key', ['flavor_number', 'project_id'])
    .execute()
  await schema
    .createTable('key_pairs')
    .addColumn('number', integerKey)
    .addColumn('user_id', 'varchar(255)', c => c.notNull())
    .addColumn('name', 'varchar(255)', c => c.notNull())
    .addColumn('type', 'varchar(16)', c => c.notNull())
    .addColumn('public_key', 'text', c => c.notNull())
    .addColumn('fingerprint', 'varchar(255)', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addUniqueConstraint('key_pairs_name', ['user_id', 'name'])
    .execute()
  await schema
    .createTable('quotas')
    .addColumn('project_id', 'varchar(255)', c => c.notNull())
    .addColumn('user_id', 'varchar(255)', c => c.notNull())
    .addColumn('resource', 'varchar(64)', c => c.notNull())
    .addColumn('hard_limit', 'integer', c => c.notNull())
    .addPrimaryKeyConstraint('quotas_key', ['project_id', 'user_id', 'resource'])
    .execute()
  await schema
    .createTable('quota_classes')
    .addColumn('class_name', 'varchar(255)', c => c.notNull())
    .addColumn('resource', 'varchar(64)', c => c.notNull())
    .addColumn('hard_limit', 'integer', c => c.notNull())
    .addPrimaryKeyConstraint('quota_classes_key', ['class_name', 'resource'])
    .execute()
  await schema
    .createTable('aggregates')
    .addColumn('number', integerKey)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('name', 'varchar(255)', c => c.notNull().unique())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .execute()
  await schema
    .createTable('aggregate_hosts')
    .addColumn('aggregate_number', 'integer', c => c.notNull())
    .addColumn('host', 'varchar(255)', c => c.notNull())
    .addPrimaryKeyConstraint('aggregate_hosts_key', ['aggregate_number', 'host'])
    .execute()
  await schema
    .createTable('aggregate_metadata')
    .addColumn('aggregate_number', 'integer', c => c.notNull())
    .addColumn('name', 'varchar(255)', c => c.notNull())
    .addColumn('value', 'varchar(255)', c => c.notNull())
    .addPrimaryKeyConstraint('aggregate_metadata_key', ['aggregate_number', 'name'])
    .execute()
  await schema
    .createTable('request_specs')
    // A cell's database may have it already.
    .ifNotExists()
    .addColumn('instance_id', 'varchar(36)', c => c.primaryKey())
    .addColumn('spec_json', 'text', c => c.notNull())
    .execute()
}

export const apiMigrations: readonly Migration[] = [
  { name: '2026-11-22-first', up: first },
  { name: '2026-11-27-server-groups', up: serverGroupTables },
  { name: '2026-11-28-scheduling-decisions', up: schedulingDecisions },
  { name: '2026-11-28-cells', up: cellTables },
]
