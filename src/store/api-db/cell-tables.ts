import { type Kysely, sql } from 'kysely'
import type { ApiTables } from './schema.ts'

/** Cells, which hosts and servers are in them, and the mark that moves with what the scheduler keeps of aggregates. */
export async function cellTables(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('cell_mappings')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('name', 'varchar(255)')
    .addColumn('transport_url', 'text', c => c.notNull())
    .addColumn('database_connection', 'text', c => c.notNull())
    .addColumn('is_disabled', 'integer', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .execute()
  await schema
    .createTable('host_mappings')
    .addColumn('host', 'varchar(255)', c => c.primaryKey())
    .addColumn('cell_uuid', 'varchar(36)', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('host_mappings_cell').on('host_mappings').columns(['cell_uuid']).execute()
  await schema
    .createTable('instance_mappings')
    .addColumn('instance_id', 'varchar(36)', c => c.primaryKey())
    .addColumn('cell_uuid', 'varchar(36)', c => c.notNull())
    .addColumn('project_id', 'varchar(255)', c => c.notNull())
    .addColumn('user_id', 'varchar(255)', c => c.notNull())
    .addColumn('is_deleted', 'integer', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('summary_json', 'text', c => c.notNull())
    .execute()
  const index = (name: string, columns: string[]) =>
    schema.createIndex(name).on('instance_mappings').columns(columns).execute()
  await index('instance_mappings_cell', ['cell_uuid', 'is_deleted', 'project_id'])
  await index('instance_mappings_project', ['project_id', 'is_deleted', 'cell_uuid'])
  await schema
    .createTable('api_marks')
    .addColumn('name', 'varchar(32)', c => c.primaryKey())
    .addColumn('number', 'bigint', c => c.notNull())
    .execute()
  await (db as unknown as Kysely<Pick<ApiTables, 'api_marks'>>)
    .insertInto('api_marks')
    .values({ name: 'aggregates', number: 0 })
    .execute()
}
