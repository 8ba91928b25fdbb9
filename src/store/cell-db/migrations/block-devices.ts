import { type Kysely, sql } from 'kysely'

const integerKey = sql`integer primary key autoincrement`

/** The disks of servers, in the order in which they were asked for. */
export async function blockDeviceMappings(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('block_device_mappings')
    .addColumn('number', integerKey)
    .addColumn('id', 'varchar(36)', c => c.notNull().unique())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('source_type', 'varchar(255)', c => c.notNull())
    .addColumn('destination_type', 'varchar(255)')
    .addColumn('image_id', 'varchar(36)')
    .addColumn('volume_id', 'varchar(36)')
    .addColumn('snapshot_id', 'varchar(36)')
    .addColumn('boot_index', 'integer')
    .addColumn('device_name', 'varchar(255)')
    .addColumn('disk_bus', 'varchar(255)')
    .addColumn('device_type', 'varchar(255)')
    .addColumn('guest_format', 'varchar(255)')
    .addColumn('volume_size', 'integer')
    .addColumn('volume_type', 'varchar(255)')
    .addColumn('delete_on_termination', 'integer', c => c.notNull())
    .addColumn('tag', 'varchar(255)')
    .addColumn('attachment_id', 'varchar(36)')
    .addColumn('connection_info_json', 'text')
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  const index = (name: string, columns: string[]) =>
    schema.createIndex(name).on('block_device_mappings').columns(columns).execute()
  await index('block_devices_of', ['instance_id', 'number'])
  await index('block_devices_volume', ['volume_id'])
}
