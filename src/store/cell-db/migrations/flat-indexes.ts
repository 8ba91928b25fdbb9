import type { Kysely } from 'kysely'

/** What every boot asks stays as quick with ten thousand servers as with ten. */
export async function flatIndexes({ schema }: Kysely<never>): Promise<void> {
  await schema
    .createIndex('instances_load')
    .on('instances')
    .columns(['deleted', 'host', 'task_state', 'vm_state'])
    .execute()
  await schema.createIndex('migrations_pending_vcpus').on('migrations').columns(['pending_vcpus']).execute()
  await schema.createIndex('migrations_pending_memory').on('migrations').columns(['pending_memory_mib']).execute()
}
