import type { Kysely } from 'kysely'

/** In the cell's database; where that is the API's too, the table is there already. */
export async function requestSpecs(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('request_specs')
    .ifNotExists()
    .addColumn('instance_id', 'varchar(36)', c => c.primaryKey())
    .addColumn('spec_json', 'text', c => c.notNull())
    .execute()
}
