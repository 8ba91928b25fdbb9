import { type Kysely, sql } from 'kysely'

/** Notifications that are written but not sent, and who sends them. */
export async function outbox({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createTable('outbox')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('instance_id', 'varchar(36)')
    .addColumn('project_id', 'varchar(255)')
    .addColumn('format', 'varchar(16)', c => c.notNull())
    .addColumn('event_type', 'varchar(128)', c => c.notNull())
    .addColumn('priority', 'varchar(16)', c => c.notNull())
    .addColumn('message_json', 'text', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  await schema
    .createTable('outbox_senders')
    .addColumn('name', 'varchar(16)', c => c.primaryKey())
    .addColumn('owner', 'varchar(128)', c => c.notNull())
    .addColumn('lease_until', 'bigint', c => c.notNull())
    .execute()
}
