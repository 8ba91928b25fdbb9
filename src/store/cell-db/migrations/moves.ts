import { type Kysely, sql } from 'kysely'

/** The records of moves of servers between hosts and flavors; Nova's `migrations`. */
export async function movesTable(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('migrations')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('type', 'varchar(16)', c => c.notNull())
    .addColumn('status', 'varchar(255)', c => c.notNull())
    .addColumn('source_host', 'varchar(255)', c => c.notNull())
    .addColumn('source_node', 'varchar(255)')
    .addColumn('dest_host', 'varchar(255)')
    .addColumn('dest_node', 'varchar(255)')
    .addColumn('dest_ip', 'varchar(255)')
    .addColumn('old_flavor_json', 'text')
    .addColumn('new_flavor_json', 'text')
    .addColumn('user_id', 'varchar(255)')
    .addColumn('project_id', 'varchar(255)')
    .addColumn('cross_cell', 'integer', c => c.notNull())
    .addColumn('progress_json', 'text')
    .addColumn('pending_vcpus', 'integer', c => c.notNull())
    .addColumn('pending_memory_mib', 'integer', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .execute()
  await schema.createIndex('migrations_instance').on('migrations').columns(['instance_id', 'status']).execute()
  await schema.createIndex('migrations_source').on('migrations').columns(['source_host', 'status']).execute()
  await schema.createIndex('migrations_project').on('migrations').columns(['project_id', 'pending_vcpus']).execute()
}
