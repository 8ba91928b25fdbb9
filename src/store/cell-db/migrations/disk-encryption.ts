import type { Kysely } from 'kysely'

/** Local disks that lie encrypted on their hosts, and what opens them. */
export async function diskEncryption({ schema }: Kysely<never>): Promise<void> {
  const table = () => schema.alterTable('block_device_mappings')
  await table()
    .addColumn('encrypted', 'integer', c => c.notNull().defaultTo(0))
    .execute()
  await table().addColumn('encryption_secret_uuid', 'varchar(36)').execute()
  await table().addColumn('encryption_format', 'varchar(128)').execute()
  await table().addColumn('encryption_options', 'text').execute()
}
