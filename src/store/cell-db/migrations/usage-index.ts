import type { Kysely } from 'kysely'
import { dropIndex } from '../../engine/index.ts'

/** Quota counts leave out servers that were put away, and still read the index alone. */
export async function usageIndex(db: Kysely<never>): Promise<void> {
  await dropIndex(db, 'instances_usage', 'instances')
  await db.schema
    .createIndex('instances_usage')
    .on('instances')
    .columns(['project_id', 'deleted', 'user_id', 'vm_state', 'task_state', 'vcpus', 'memory_mib'])
    .execute()
  await db.schema.createIndex('instances_put_away').on('instances').columns(['vm_state', 'deleted_at']).execute()
}
