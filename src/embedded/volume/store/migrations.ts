import type { Migration } from '#store/engine'

type Column = readonly [name: string, type: 'text' | 'bigint' | 'integer' | `varchar(${number})`, rule?: 'null' | 'key']

/** Every column is required unless its rule says `null`. */
const tables: Readonly<Record<string, readonly Column[]>> = {
  volume_volumes: [
    ['id', 'varchar(36)', 'key'],
    ['project_id', 'varchar(255)'],
    ['user_id', 'varchar(255)'],
    ['name', 'varchar(255)', 'null'],
    ['description', 'varchar(255)', 'null'],
    ['size_gib', 'integer'],
    ['status', 'varchar(255)'],
    ['previous_status', 'varchar(255)', 'null'],
    ['attach_status', 'varchar(255)'],
    ['migration_status', 'varchar(255)', 'null'],
    ['volume_type_id', 'varchar(36)'],
    ['snapshot_id', 'varchar(36)', 'null'],
    ['source_volid', 'varchar(36)', 'null'],
    ['availability_zone', 'varchar(255)'],
    ['is_bootable', 'integer'],
    ['is_multiattach', 'integer'],
    ['encryption_key_id', 'varchar(36)', 'null'],
    ['metadata', 'text'],
    ['admin_metadata', 'text'],
    ['image_metadata', 'text', 'null'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
    ['file_name', 'varchar(255)', 'null'],
    ['task', 'text', 'null'],
  ],
  volume_snapshots: [
    ['id', 'varchar(36)', 'key'],
    ['volume_id', 'varchar(36)'],
    ['project_id', 'varchar(255)'],
    ['user_id', 'varchar(255)'],
    ['name', 'varchar(255)', 'null'],
    ['description', 'varchar(255)', 'null'],
    ['status', 'varchar(255)'],
    ['progress', 'varchar(255)'],
    ['size_gib', 'integer'],
    ['volume_type_id', 'varchar(36)'],
    ['metadata', 'text'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
    ['file_name', 'varchar(255)', 'null'],
  ],
  volume_attachments: [
    ['id', 'varchar(36)', 'key'],
    ['volume_id', 'varchar(36)'],
    ['server_id', 'varchar(255)', 'null'],
    ['status', 'varchar(255)'],
    ['host', 'varchar(255)', 'null'],
    ['mountpoint', 'varchar(255)', 'null'],
    ['mode', 'varchar(36)', 'null'],
    ['connector', 'text', 'null'],
    ['connection', 'text', 'null'],
    ['created_at_ms', 'bigint'],
    ['attached_at_ms', 'bigint', 'null'],
  ],
  volume_types: [
    ['id', 'varchar(36)', 'key'],
    ['name', 'varchar(255)'],
    ['description', 'varchar(255)', 'null'],
    ['is_public', 'integer'],
    ['extra_specs', 'text'],
    ['qos_specs_id', 'varchar(36)', 'null'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
  ],
  volume_type_access: [
    ['type_id', 'varchar(36)', 'key'],
    ['project_id', 'varchar(255)', 'key'],
  ],
  volume_type_encryption: [
    ['type_id', 'varchar(36)', 'key'],
    ['encryption_id', 'varchar(36)'],
    ['provider', 'varchar(255)'],
    ['cipher', 'varchar(255)', 'null'],
    ['key_size', 'integer', 'null'],
    ['control_location', 'varchar(255)'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
  ],
  volume_default_types: [
    ['project_id', 'varchar(255)', 'key'],
    ['type_id', 'varchar(36)'],
  ],
  volume_qos: [
    ['id', 'varchar(36)', 'key'],
    ['name', 'varchar(255)'],
    ['consumer', 'varchar(255)'],
    ['specs', 'text'],
    ['created_at_ms', 'bigint'],
  ],
  volume_transfers: [
    ['id', 'varchar(36)', 'key'],
    ['volume_id', 'varchar(36)'],
    ['name', 'varchar(255)', 'null'],
    ['salt', 'varchar(255)'],
    ['key_hash', 'varchar(255)'],
    ['has_no_snapshots', 'integer'],
    ['source_project_id', 'varchar(255)'],
    ['created_at_ms', 'bigint'],
  ],
  volume_quotas: [
    ['owner_kind', 'varchar(36)', 'key'],
    ['owner_id', 'varchar(255)', 'key'],
    ['resource', 'varchar(300)', 'key'],
    ['hard_limit', 'integer'],
  ],
  volume_messages: [
    ['id', 'varchar(36)', 'key'],
    ['project_id', 'varchar(255)'],
    ['resource_id', 'varchar(36)'],
    ['resource_type', 'varchar(255)'],
    ['event_id', 'varchar(255)'],
    ['text', 'text'],
    ['request_id', 'varchar(255)'],
    ['created_at_ms', 'bigint'],
  ],
  volume_services: [
    ['binary', 'varchar(255)', 'key'],
    ['disabled', 'integer'],
    ['disabled_reason', 'varchar(255)', 'null'],
  ],
}

export const migrations: readonly Migration[] = [
  {
    name: '001-volume',
    up: async db => {
      for (const [name, columns] of Object.entries(tables)) {
        let table = db.schema.createTable(name)
        for (const [column, type, rule] of columns) {
          table = table.addColumn(column, type, c => (rule === 'null' ? c : c.notNull()))
        }
        const keys = columns.flatMap(([column, , rule]) => (rule === 'key' ? [column] : []))
        await table.addPrimaryKeyConstraint(`${name}_key`, keys as never[]).execute()
      }
    },
  },
]
