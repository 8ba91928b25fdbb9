import type { Kysely } from 'kysely'

/** What servers have read from and written to their volumes. */
export async function volumeUsage({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createTable('volume_usage')
    .addColumn('volume_id', 'varchar(36)', c => c.primaryKey())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('total_json', 'text', c => c.notNull())
    .addColumn('current_json', 'text', c => c.notNull())
    .addColumn('refreshed_at', 'bigint', c => c.notNull())
    .execute()
}
