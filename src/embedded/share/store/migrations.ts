import type { Migration } from '#store/engine'

type Column = readonly [name: string, type: 'text' | 'bigint' | 'integer' | `varchar(${number})`, rule?: 'null' | 'key']

/** Every column is required unless its rule says `null`. */
const tables: Readonly<Record<string, readonly Column[]>> = {
  share_shares: [
    ['id', 'varchar(36)', 'key'],
    ['instance_id', 'varchar(36)'],
    ['export_id', 'varchar(36)'],
    ['project_id', 'varchar(255)'],
    ['user_id', 'varchar(255)'],
    ['name', 'varchar(255)', 'null'],
    ['description', 'varchar(255)', 'null'],
    ['size_gib', 'integer'],
    ['status', 'varchar(255)'],
    ['share_proto', 'varchar(255)'],
    ['share_type_id', 'varchar(36)'],
    ['availability_zone', 'varchar(255)'],
    ['is_public', 'integer'],
    ['metadata', 'text'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
  ],
  share_access: [
    ['id', 'varchar(36)', 'key'],
    ['share_id', 'varchar(36)'],
    ['access_type', 'varchar(255)'],
    ['access_to', 'varchar(255)'],
    ['access_level', 'varchar(2)'],
    ['state', 'varchar(255)'],
    ['metadata', 'text'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
  ],
  share_locks: [
    ['id', 'varchar(36)', 'key'],
    ['user_id', 'varchar(255)'],
    ['project_id', 'varchar(255)'],
    ['lock_context', 'varchar(16)'],
    ['resource_type', 'varchar(36)'],
    ['resource_id', 'varchar(36)'],
    ['resource_action', 'varchar(36)'],
    ['lock_reason', 'varchar(1023)', 'null'],
    ['created_at_ms', 'bigint'],
    ['updated_at_ms', 'bigint', 'null'],
  ],
  share_types: [
    ['id', 'varchar(36)', 'key'],
    ['name', 'varchar(255)'],
    ['description', 'varchar(255)', 'null'],
    ['is_public', 'integer'],
    ['is_default', 'integer'],
    ['extra_specs', 'text'],
    ['created_at_ms', 'bigint'],
  ],
  share_quotas: [
    ['project_id', 'varchar(255)', 'key'],
    ['resource', 'varchar(255)', 'key'],
    ['hard_limit', 'integer'],
  ],
}

export const migrations: readonly Migration[] = [
  {
    name: '001-share',
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
