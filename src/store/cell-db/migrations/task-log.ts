import { type Kysely, sql } from 'kysely'

/** What periodic work of hosts has done; Nova's only such work is the usage audit. */
export async function taskLog({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createTable('task_log')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('task_name', 'varchar(255)', c => c.notNull())
    .addColumn('state', 'varchar(255)', c => c.notNull())
    .addColumn('host', 'varchar(255)', c => c.notNull())
    .addColumn('period_beginning', 'bigint', c => c.notNull())
    .addColumn('period_ending', 'bigint', c => c.notNull())
    .addColumn('message', 'varchar(255)', c => c.notNull())
    .addColumn('task_items', 'integer', c => c.notNull())
    .addColumn('errors', 'integer', c => c.notNull())
    .addUniqueConstraint('task_log_run', ['task_name', 'host', 'period_beginning', 'period_ending'])
    .execute()
}
