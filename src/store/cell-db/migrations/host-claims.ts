import { type Kysely, sql } from 'kysely'

/** What servers have of their hosts by name: CPUs, memory nodes, PCI devices. */
export async function hostClaims({ schema }: Kysely<never>): Promise<void> {
  await schema
    .alterTable('compute_nodes')
    .addColumn('claim_generation', 'integer', c => c.notNull().defaultTo(0))
    .execute()
  await schema
    .createTable('host_claims')
    .addColumn('consumer_id', 'varchar(36)', c => c.primaryKey())
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('node_id', 'varchar(36)', c => c.notNull())
    .addColumn('numa_json', 'text')
    .addColumn('requests_json', 'text', c => c.notNull())
    .execute()
  await schema.createIndex('host_claims_node').on('host_claims').columns(['node_id']).execute()
  await schema.createIndex('host_claims_instance').on('host_claims').columns(['instance_id']).execute()
  await schema
    .createTable('pci_devices')
    .addColumn('number', sql`integer primary key autoincrement`)
    .addColumn('node_id', 'varchar(36)', c => c.notNull())
    .addColumn('address', 'varchar(12)', c => c.notNull())
    .addColumn('state', 'varchar(36)', c => c.notNull())
    .addColumn('consumer_id', 'varchar(36)')
    .addColumn('request_id', 'varchar(36)')
    .addColumn('device_json', 'text', c => c.notNull())
    .addUniqueConstraint('pci_devices_address', ['node_id', 'address'])
    .execute()
  await schema.createIndex('pci_devices_consumer').on('pci_devices').columns(['consumer_id']).execute()
  await schema.createIndex('pci_devices_state').on('pci_devices').columns(['state', 'node_id']).execute()
}
