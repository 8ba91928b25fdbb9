import { type Kysely, sql } from 'kysely'

/** One table for the rows of all others: their columns may change, and nobody searches here but by table and time. */
export async function shadowRows({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createTable('shadow_rows')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('table_name', 'varchar(64)', c => c.notNull())
    .addColumn('instance_id', 'varchar(36)')
    .addColumn('stamped_at', 'bigint', c => c.notNull())
    .addColumn('row_json', 'text', c => c.notNull())
    .execute()
  await schema.createIndex('shadow_rows_table').on('shadow_rows').columns(['table_name', 'stamped_at']).execute()
  await schema.createIndex('shadow_rows_instance').on('shadow_rows').columns(['instance_id']).execute()
}
