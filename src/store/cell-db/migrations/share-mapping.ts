import { type Kysely, sql } from 'kysely'

const integerKey = sql`integer primary key autoincrement`

/** Shares of servers. A share is in a server once, and a tag too, however many ask at the same moment. */
export async function shareMapping(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('share_mapping')
    .addColumn('number', integerKey)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('share_id', 'varchar(36)', c => c.notNull())
    .addColumn('status', 'varchar(32)', c => c.notNull())
    .addColumn('tag', 'varchar(255)', c => c.notNull())
    .addColumn('export_location', 'text', c => c.notNull())
    .addColumn('share_proto', 'varchar(32)', c => c.notNull())
    .addColumn('access_to', 'varchar(255)')
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .addUniqueConstraint('share_mapping_share_of', ['instance_id', 'share_id'])
    .addUniqueConstraint('share_mapping_tag_of', ['instance_id', 'tag'])
    .execute()
  await schema.createIndex('share_mapping_share').on('share_mapping').columns(['share_id']).execute()
}
