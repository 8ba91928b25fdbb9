import { type Kysely, sql } from 'kysely'

const names = ['services', 'nodes', 'aggregates', 'devices', 'removals']

/** Numbers that move with what the scheduler keeps in memory of hosts, and an index of the servers that move disks. */
export async function hostMarks(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('host_marks')
    .addColumn('name', 'varchar(32)', c => c.primaryKey())
    .addColumn('number', 'bigint', c => c.notNull())
    .execute()
  for (const name of names) await sql`insert into host_marks (name, number) values (${name}, 0)`.execute(db)
  for (const table of ['services', 'compute_nodes']) {
    await schema
      .alterTable(table)
      .addColumn('host_mark', 'bigint', c => c.notNull().defaultTo(0))
      .execute()
    await schema.createIndex(`${table}_mark`).on(table).columns(['host_mark']).execute()
  }
  await schema.createIndex('instances_tasks').on('instances').columns(['task_state', 'deleted', 'host']).execute()
}
