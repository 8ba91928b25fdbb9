import { type Change, type Database, migrate, Resident, type Shapes } from '#store/engine'
import { migrations } from './migrations.ts'
import type { VolumeTables } from './rows.ts'

const shapes: Shapes<VolumeTables> = {
  volume_volumes: {
    key: ['id'],
    indexes: { project: row => row.project_id, type: row => row.volume_type_id, source: row => row.source_volid ?? '' },
  },
  volume_snapshots: { key: ['id'], indexes: { volume: row => row.volume_id, project: row => row.project_id } },
  volume_attachments: { key: ['id'], indexes: { volume: row => row.volume_id } },
  volume_types: { key: ['id'], indexes: { name: row => row.name } },
  volume_type_access: { key: ['type_id', 'project_id'], indexes: { type: row => row.type_id } },
  volume_type_encryption: { key: ['type_id'] },
  volume_default_types: { key: ['project_id'] },
  volume_qos: { key: ['id'], indexes: { name: row => row.name } },
  volume_transfers: { key: ['id'], indexes: { volume: row => row.volume_id } },
  volume_quotas: {
    key: ['owner_kind', 'owner_id', 'resource'],
    indexes: { owner: row => `${row.owner_kind}/${row.owner_id}` },
  },
  volume_messages: { key: ['id'], indexes: { project: row => row.project_id } },
  volume_services: { key: ['binary'] },
}

export type VolumeState = Resident<VolumeTables>
export type VolumeChange = Change<VolumeTables>

export async function loadVolumes(db: Database<VolumeTables>): Promise<VolumeState> {
  await migrate(db, 'volume', migrations)
  return Resident.load(db, shapes)
}
