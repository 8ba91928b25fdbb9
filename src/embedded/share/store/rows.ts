/** Times in milliseconds, flags 0 or 1, maps as JSON. What is deleted has no row. */
export interface ShareRow {
  readonly id: string
  /** Of the one instance that a share has here; it names the folder. */
  readonly instance_id: string
  readonly export_id: string
  readonly project_id: string
  readonly user_id: string
  readonly name: string | null
  readonly description: string | null
  readonly size_gib: number
  readonly status: string
  readonly share_proto: string
  readonly share_type_id: string
  readonly availability_zone: string
  readonly is_public: number
  readonly metadata: string
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
}

export interface AccessRow {
  readonly id: string
  readonly share_id: string
  readonly access_type: string
  readonly access_to: string
  readonly access_level: string
  readonly state: string
  readonly metadata: string
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
}

export interface LockRow {
  readonly id: string
  readonly user_id: string
  readonly project_id: string
  /** Who made it: `user`, `admin` or `service`; no one below it may take it away. */
  readonly lock_context: string
  readonly resource_type: string
  readonly resource_id: string
  readonly resource_action: string
  readonly lock_reason: string | null
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
}

export interface TypeRow {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly is_public: number
  readonly is_default: number
  readonly extra_specs: string
  readonly created_at_ms: number
}

export interface QuotaRow {
  readonly project_id: string
  readonly resource: string
  readonly hard_limit: number
}

export interface ShareTables {
  share_shares: ShareRow
  share_access: AccessRow
  share_locks: LockRow
  share_types: TypeRow
  share_quotas: QuotaRow
}
