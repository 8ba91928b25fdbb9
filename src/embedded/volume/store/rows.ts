/** Times in milliseconds, flags 0 or 1, maps as JSON. What is deleted has no row. */
export interface VolumeRow {
  readonly id: string
  readonly project_id: string
  readonly user_id: string
  readonly name: string | null
  readonly description: string | null
  readonly size_gib: number
  readonly status: string
  /** To go back to after an upload, an extension or a new content. */
  readonly previous_status: string | null
  readonly attach_status: string
  readonly migration_status: string | null
  readonly volume_type_id: string
  readonly snapshot_id: string | null
  readonly source_volid: string | null
  readonly availability_zone: string
  readonly is_bootable: number
  readonly is_multiattach: number
  readonly encryption_key_id: string | null
  readonly metadata: string
  /** `readonly` and `attached_mode`, shown among the metadata. */
  readonly admin_metadata: string
  /** From the image it was made of; null when there never was one. */
  readonly image_metadata: string | null
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
  /** Of the content, inside the folder of volumes; null until there is one. */
  readonly file_name: string | null
  /** What is being done with the content: a `VolumeTask`, so that the next process knows. */
  readonly task: string | null
}

export interface SnapshotRow {
  readonly id: string
  readonly volume_id: string
  readonly project_id: string
  readonly user_id: string
  readonly name: string | null
  readonly description: string | null
  readonly status: string
  readonly progress: string
  readonly size_gib: number
  readonly volume_type_id: string
  readonly metadata: string
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
  readonly file_name: string | null
}

export interface AttachmentRow {
  readonly id: string
  readonly volume_id: string
  readonly server_id: string | null
  readonly status: string
  readonly host: string | null
  readonly mountpoint: string | null
  /** `null` (the text) until somebody says, as Cinder has it. */
  readonly mode: string | null
  readonly connector: string | null
  readonly connection: string | null
  readonly created_at_ms: number
  readonly attached_at_ms: number | null
}

export interface TypeRow {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly is_public: number
  readonly extra_specs: string
  readonly qos_specs_id: string | null
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
}

export interface TypeAccessRow {
  readonly type_id: string
  readonly project_id: string
}

export interface TypeEncryptionRow {
  readonly type_id: string
  readonly encryption_id: string
  readonly provider: string
  readonly cipher: string | null
  readonly key_size: number | null
  readonly control_location: string
  readonly created_at_ms: number
  readonly updated_at_ms: number | null
}

export interface DefaultTypeRow {
  readonly project_id: string
  readonly type_id: string
}

export interface QosRow {
  readonly id: string
  readonly name: string
  readonly consumer: string
  readonly specs: string
  readonly created_at_ms: number
}

export interface TransferRow {
  readonly id: string
  readonly volume_id: string
  readonly name: string | null
  readonly salt: string
  readonly key_hash: string
  readonly has_no_snapshots: number
  readonly source_project_id: string
  readonly created_at_ms: number
}

export interface QuotaRow {
  readonly owner_kind: 'project' | 'class'
  readonly owner_id: string
  /** `volumes`, `gigabytes`, `volumes_<type>`, … */
  readonly resource: string
  readonly hard_limit: number
}

/** What a user is told about a failure that came after the answer. */
export interface MessageRow {
  readonly id: string
  readonly project_id: string
  readonly resource_id: string
  readonly resource_type: string
  readonly event_id: string
  readonly text: string
  readonly request_id: string
  readonly created_at_ms: number
}

export interface ServiceRow {
  readonly binary: string
  readonly disabled: number
  readonly disabled_reason: string | null
}

export interface VolumeTables {
  volume_volumes: VolumeRow
  volume_snapshots: SnapshotRow
  volume_attachments: AttachmentRow
  volume_types: TypeRow
  volume_type_access: TypeAccessRow
  volume_type_encryption: TypeEncryptionRow
  volume_default_types: DefaultTypeRow
  volume_qos: QosRow
  volume_transfers: TransferRow
  volume_quotas: QuotaRow
  volume_messages: MessageRow
  volume_services: ServiceRow
}
