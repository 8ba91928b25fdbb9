import { type Kysely, sql } from 'kysely'
import type { Migration } from '../engine/index.ts'
import { blockDeviceMappings } from './migrations/block-devices.ts'
import { consoleTokenHosts, consoleTokens } from './migrations/console-tokens.ts'
import { diskEncryption } from './migrations/disk-encryption.ts'
import { fences } from './migrations/fences.ts'
import { flatIndexes } from './migrations/flat-indexes.ts'
import { hostClaims } from './migrations/host-claims.ts'
import { hostMarks } from './migrations/host-marks.ts'
import { movesTable } from './migrations/moves.ts'
import { outbox } from './migrations/outbox.ts'
import { portHoldings } from './migrations/port-holdings.ts'
import { requestSpecs } from './migrations/request-specs.ts'
import { serviceVersions } from './migrations/service-versions.ts'
import { shadowRows } from './migrations/shadow-rows.ts'
import { shareMapping } from './migrations/share-mapping.ts'
import { taskLog } from './migrations/task-log.ts'
import { usageIndex } from './migrations/usage-index.ts'
import { volumeUsage } from './migrations/volume-usage.ts'
import { novaCellsTables } from './nova-cells/tables.ts'

const integerKey = sql`integer primary key autoincrement`

async function instances(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('instances')
    .addColumn('number', integerKey)
    .addColumn('id', 'varchar(36)', c => c.notNull().unique())
    .addColumn('project_id', 'varchar(255)', c => c.notNull())
    .addColumn('user_id', 'varchar(255)', c => c.notNull())
    .addColumn('display_name', 'varchar(255)', c => c.notNull())
    .addColumn('hostname', 'varchar(255)', c => c.notNull())
    .addColumn('description', 'varchar(255)')
    .addColumn('reservation_id', 'varchar(255)', c => c.notNull())
    .addColumn('launch_index', 'integer', c => c.notNull())
    .addColumn('vm_state', 'varchar(32)', c => c.notNull())
    .addColumn('task_state', 'varchar(64)')
    .addColumn('power_state', 'integer', c => c.notNull())
    .addColumn('host', 'varchar(255)')
    .addColumn('node', 'varchar(255)')
    .addColumn('launched_on', 'varchar(255)')
    .addColumn('requested_zone', 'varchar(255)')
    .addColumn('flavor_id', 'varchar(255)', c => c.notNull())
    .addColumn('memory_mib', 'integer', c => c.notNull())
    .addColumn('vcpus', 'integer', c => c.notNull())
    .addColumn('root_gib', 'integer', c => c.notNull())
    .addColumn('ephemeral_gib', 'integer', c => c.notNull())
    .addColumn('flavor_json', 'text', c => c.notNull())
    .addColumn('image_id', 'varchar(36)')
    .addColumn('image_json', 'text')
    .addColumn('key_name', 'varchar(255)')
    .addColumn('key_json', 'text')
    .addColumn('user_data', 'text')
    .addColumn('config_drive', 'integer', c => c.notNull())
    .addColumn('access_ip_v4', 'varchar(39)')
    .addColumn('access_ip_v6', 'varchar(39)')
    .addColumn('root_device_name', 'varchar(255)')
    .addColumn('progress', 'integer', c => c.notNull())
    .addColumn('locked_by', 'varchar(16)')
    .addColumn('locked_reason', 'varchar(255)')
    .addColumn('metadata_json', 'text', c => c.notNull())
    .addColumn('system_metadata_json', 'text', c => c.notNull())
    .addColumn('security_groups_json', 'text', c => c.notNull())
    .addColumn('trusted_certs_json', 'text')
    .addColumn('network_json', 'text', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .addColumn('launched_at', 'bigint')
    .addColumn('terminated_at', 'bigint')
    .addColumn('deleted_at', 'bigint')
    .addColumn('deleted', 'integer', c => c.notNull())
    .addColumn('saga_id', 'varchar(36)')
    .execute()
  // The default list of a project, newest first; the list of all projects; the guests of a host; changes-since.
  const index = (name: string, columns: string[]) => schema.createIndex(name).on('instances').columns(columns).execute()
  await index('instances_project', ['project_id', 'deleted', 'created_at', 'number'])
  await index('instances_all', ['deleted', 'created_at', 'number'])
  await index('instances_host', ['host', 'deleted'])
  await index('instances_updated', ['updated_at'])
  await index('instances_saga', ['saga_id'])
  // Quota counts read the index alone.
  await index('instances_usage', ['project_id', 'deleted', 'user_id', 'vcpus', 'memory_mib'])
  await schema
    .createTable('instance_tags')
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('tag', 'varchar(60)', c => c.notNull())
    .addPrimaryKeyConstraint('instance_tags_key', ['instance_id', 'tag'])
    .execute()
}

async function history(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('instance_faults')
    .addColumn('number', integerKey)
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('code', 'integer', c => c.notNull())
    .addColumn('message', 'varchar(255)', c => c.notNull())
    .addColumn('details', 'text')
    .addColumn('host', 'varchar(255)')
    .addColumn('created_at', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('instance_faults_of').on('instance_faults').columns(['instance_id', 'number']).execute()
  await schema
    .createTable('instance_actions')
    .addColumn('number', integerKey)
    .addColumn('instance_id', 'varchar(36)', c => c.notNull())
    .addColumn('action', 'varchar(255)', c => c.notNull())
    .addColumn('request_id', 'varchar(255)', c => c.notNull())
    .addColumn('user_id', 'varchar(255)')
    .addColumn('project_id', 'varchar(255)')
    .addColumn('start_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .addColumn('message', 'varchar(255)')
    .addColumn('deleted', 'integer', c => c.notNull())
    .execute()
  await schema
    .createIndex('instance_actions_of')
    .on('instance_actions')
    .columns(['instance_id', 'request_id'])
    .execute()
  await schema
    .createTable('instance_action_events')
    .addColumn('number', integerKey)
    .addColumn('action_number', 'integer', c => c.notNull())
    .addColumn('event', 'varchar(255)', c => c.notNull())
    .addColumn('start_at', 'bigint', c => c.notNull())
    .addColumn('finish_at', 'bigint')
    .addColumn('result', 'varchar(255)')
    .addColumn('traceback', 'text')
    .addColumn('host', 'varchar(255)')
    .addColumn('details', 'text')
    .execute()
  await schema
    .createIndex('instance_action_events_of')
    .on('instance_action_events')
    .columns(['action_number'])
    .execute()
}

async function machinery(db: Kysely<never>): Promise<void> {
  const { schema } = db
  await schema
    .createTable('services')
    .addColumn('number', integerKey)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('host', 'varchar(255)', c => c.notNull())
    .addColumn('binary', 'varchar(255)', c => c.notNull())
    .addColumn('topic', 'varchar(255)', c => c.notNull())
    .addColumn('report_count', 'integer', c => c.notNull())
    .addColumn('last_seen_at', 'bigint', c => c.notNull())
    .addColumn('disabled', 'integer', c => c.notNull())
    .addColumn('disabled_reason', 'varchar(255)')
    .addColumn('forced_down', 'integer', c => c.notNull())
    .addColumn('version', 'integer', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint')
    .addUniqueConstraint('services_host', ['host', 'binary'])
    .execute()
  await schema
    .createTable('compute_nodes')
    .addColumn('number', integerKey)
    .addColumn('uuid', 'varchar(36)', c => c.notNull().unique())
    .addColumn('host', 'varchar(255)', c => c.notNull())
    .addColumn('hypervisor_hostname', 'varchar(255)', c => c.notNull())
    .addColumn('description_json', 'text', c => c.notNull())
    .addColumn('stats_json', 'text', c => c.notNull())
    .addColumn('cpu_allocation_ratio', 'double precision', c => c.notNull())
    .addColumn('ram_allocation_ratio', 'double precision', c => c.notNull())
    .addColumn('disk_allocation_ratio', 'double precision', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint', c => c.notNull())
    .addUniqueConstraint('compute_nodes_host', ['host', 'hypervisor_hostname'])
    .execute()
  await schema
    .createTable('sagas')
    .addColumn('number', integerKey)
    .addColumn('id', 'varchar(36)', c => c.notNull().unique())
    .addColumn('name', 'varchar(64)', c => c.notNull())
    .addColumn('instance_id', 'varchar(36)')
    .addColumn('status', 'varchar(16)', c => c.notNull())
    .addColumn('waits_for', 'varchar(36)')
    .addColumn('is_cancelled', 'integer', c => c.notNull())
    .addColumn('owner', 'varchar(128)')
    .addColumn('lease_until', 'bigint', c => c.notNull())
    .addColumn('generation', 'integer', c => c.notNull())
    .addColumn('input_json', 'text', c => c.notNull())
    .addColumn('journal_json', 'text', c => c.notNull())
    .addColumn('created_at', 'bigint', c => c.notNull())
    .addColumn('updated_at', 'bigint', c => c.notNull())
    .execute()
  await schema.createIndex('sagas_open').on('sagas').columns(['status', 'lease_until']).execute()
  await schema.createIndex('sagas_instance').on('sagas').columns(['instance_id', 'status']).execute()
}

async function launchSecrets(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('launch_secrets')
    .addColumn('instance_id', 'varchar(36)', c => c.primaryKey())
    .addColumn('secret_json', 'text', c => c.notNull())
    .execute()
}

export const cellMigrations: readonly Migration[] = [
  {
    name: '2026-11-22-first',
    up: async db => {
      await instances(db)
      await history(db)
      await machinery(db)
    },
  },
  { name: '2026-11-23-launch-secrets', up: launchSecrets },
  { name: '2026-11-27-block-device-mappings', up: blockDeviceMappings },
  { name: '2026-11-27-moves', up: movesTable },
  { name: '2026-11-27-console-tokens', up: consoleTokens },
  { name: '2026-11-27-task-log', up: taskLog },
  { name: '2026-11-27-usage-index', up: usageIndex },
  { name: '2026-11-27-console-token-hosts', up: consoleTokenHosts },
  { name: '2026-11-28-flat-indexes', up: flatIndexes },
  { name: '2026-11-28-host-claims', up: hostClaims },
  { name: '2026-11-28-share-mapping', up: shareMapping },
  { name: '2026-11-29-service-versions', up: serviceVersions },
  { name: '2026-11-29-port-holdings', up: portHoldings },
  { name: '2026-11-29-disk-encryption', up: diskEncryption },
  { name: '2026-11-29-outbox', up: outbox },
  { name: '2026-11-30-host-marks', up: hostMarks },
  { name: '2026-11-30-volume-usage', up: volumeUsage },
  { name: '2026-12-01-request-specs', up: requestSpecs },
  { name: '2026-12-01-shadow-rows', up: shadowRows },
  { name: '2026-12-01-fences', up: fences },
  { name: '2026-12-01-nova-cells', up: novaCellsTables },
]
