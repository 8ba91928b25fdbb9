import type { Generated } from 'kysely'

/** Every table of the API database, which may be another one than the cell's; its migrations are kept there too. */
const tables: Readonly<Record<keyof ApiTables, true>> = {
  flavors: true,
  flavor_projects: true,
  key_pairs: true,
  quotas: true,
  quota_classes: true,
  aggregates: true,
  aggregate_hosts: true,
  aggregate_metadata: true,
  server_groups: true,
  server_group_members: true,
  cell_mappings: true,
  host_mappings: true,
  instance_mappings: true,
  api_marks: true,
  scheduling_decisions: true,
  scheduling_decision_instances: true,
}
export const apiTables: readonly string[] = [...Object.keys(tables), 'api_migrations']

/** Tables of the API database. Times are milliseconds since the epoch; `*_json` columns are carried, never queried. */
export interface ApiTables {
  flavors: {
    number: Generated<number>
    flavor_id: string
    name: string
    memory_mib: number
    vcpus: number
    root_gib: number
    ephemeral_gib: number
    swap_mib: number
    rxtx_factor: number
    is_public: number
    is_disabled: number
    description: string | null
    extra_specs_json: string
    created_at: number
    updated_at: number | null
  }
  flavor_projects: { flavor_number: number; project_id: string }
  key_pairs: {
    number: Generated<number>
    user_id: string
    name: string
    type: string
    public_key: string
    fingerprint: string
    created_at: number
  }
  /** user_id is '' for the project's own limits, so that the key has no nulls. */
  quotas: { project_id: string; user_id: string; resource: string; hard_limit: number }
  quota_classes: { class_name: string; resource: string; hard_limit: number }
  aggregates: { number: Generated<number>; uuid: string; name: string; created_at: number; updated_at: number | null }
  aggregate_hosts: { aggregate_number: number; host: string }
  aggregate_metadata: { aggregate_number: number; name: string; value: string }
  server_groups: {
    number: Generated<number>
    uuid: string
    name: string
    project_id: string
    user_id: string
    policy: string
    rules_json: string
    created_at: number
  }
  server_group_members: { number: Generated<number>; group_number: number; instance_id: string }
  cell_mappings: {
    number: Generated<number>
    uuid: string
    name: string | null
    transport_url: string
    database_connection: string
    is_disabled: number
    created_at: number
    updated_at: number | null
  }
  host_mappings: { host: string; cell_uuid: string; created_at: number }
  instance_mappings: {
    instance_id: string
    cell_uuid: string
    project_id: string
    user_id: string
    is_deleted: number
    created_at: number
    summary_json: string
  }
  api_marks: { name: string; number: number }
  scheduling_decisions: {
    id: string
    request_id: string | null
    decided_at: number
    record_json: string
  }
  scheduling_decision_instances: { decision_id: string; instance_id: string }
}
