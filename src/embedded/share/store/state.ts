import { type Change, type Database, migrate, Resident, type Shapes } from '#store/engine'
import { migrations } from './migrations.ts'
import type { ShareTables } from './rows.ts'

const shapes: Shapes<ShareTables> = {
  share_shares: { key: ['id'], indexes: { project: row => row.project_id, type: row => row.share_type_id } },
  share_access: { key: ['id'], indexes: { share: row => row.share_id } },
  share_locks: { key: ['id'], indexes: { resource: row => row.resource_id } },
  share_types: { key: ['id'], indexes: { name: row => row.name } },
  share_quotas: { key: ['project_id', 'resource'], indexes: { project: row => row.project_id } },
}

export type ShareState = Resident<ShareTables>
export type ShareChange = Change<ShareTables>

export async function loadShares(db: Database<ShareTables>): Promise<ShareState> {
  await migrate(db, 'share', migrations)
  return Resident.load(db, shapes)
}
