import { fromJson, isoMicros, type Json, type JsonRecord } from '#base'
import { attachmentsOf } from '../attachments.ts'
import { mapOf } from '../core.ts'
import type { AttachmentRow, SnapshotRow, TransferRow, TypeRow, VolumeRow } from '../store/rows.ts'
import { typeNameOf } from '../types.ts'
import type { Exchange } from './exchange.ts'
import { since } from './microversion.ts'

const timeOf = (ms: number | null): string | null => (ms === null ? null : isoMicros(ms))

export const linksOf = (x: Exchange, path: string, id: string): Json => [
  { rel: 'self', href: `${x.base}/${path}/${id}` },
  { rel: 'bookmark', href: `${x.bookmarks}/${path}/${id}` },
]

/** Statuses that older clients would not know. */
const shownStatus: Readonly<Record<string, string>> = {
  managing: 'creating',
  error_managing: 'error',
  error_managing_deleting: 'deleting',
}

export const volumeSummary = (x: Exchange, row: VolumeRow): JsonRecord => ({
  id: row.id,
  name: row.name,
  links: linksOf(x, 'volumes', row.id),
})

const attachedView = (x: Exchange, row: AttachmentRow): Json => ({
  id: row.volume_id,
  attachment_id: row.id,
  volume_id: row.volume_id,
  server_id: row.server_id,
  host_name: x.actor.isAdmin ? row.host : null,
  device: row.mountpoint,
  attached_at: timeOf(row.attached_at_ms),
})

/** A volume as create and update show it. */
export function volumeView(x: Exchange, row: VolumeRow): JsonRecord {
  const { isAdmin } = x.actor
  return {
    id: row.id,
    status: shownStatus[row.status] ?? row.status,
    size: row.size_gib,
    availability_zone: row.availability_zone,
    created_at: timeOf(row.created_at_ms),
    updated_at: timeOf(row.updated_at_ms),
    name: row.name,
    description: row.description,
    volume_type: typeNameOf(x.core.state, row.volume_type_id),
    snapshot_id: row.snapshot_id,
    source_volid: row.source_volid,
    metadata: { ...mapOf(row.metadata), ...mapOf(row.admin_metadata) },
    links: linksOf(x, 'volumes', row.id),
    user_id: row.user_id,
    bootable: row.is_bootable === 1 ? 'true' : 'false',
    encrypted: row.encryption_key_id !== null,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: row.is_multiattach === 1,
    attachments: attachmentsOf(x.core, row.id)
      .filter(a => a.status === 'attached')
      .map(a => attachedView(x, a)),
    ...(isAdmin ? { migration_status: row.migration_status } : {}),
    ...since(x, 13, { group_id: null }),
    ...(isAdmin ? since(x, 21, { provider_id: null }) : {}),
    ...since(x, 48, { shared_targets: false, service_uuid: null }),
    ...(isAdmin ? since(x, 61, { cluster_name: null }) : {}),
    ...since(x, 63, { volume_type_id: row.volume_type_id }),
    ...since(x, 65, { consumes_quota: true }),
  }
}

/** With what Cinder's extensions add when a volume is shown or listed. */
export function volumeDetail(x: Exchange, row: VolumeRow): JsonRecord {
  const imageMetadata = mapOf(row.image_metadata)
  return {
    ...volumeView(x, row),
    'os-vol-tenant-attr:tenant_id': row.project_id,
    ...(x.actor.isAdmin
      ? {
          'os-vol-host-attr:host': x.core.pool,
          'os-vol-mig-status-attr:migstat': row.migration_status,
          'os-vol-mig-status-attr:name_id': null,
        }
      : {}),
    ...(Object.keys(imageMetadata).length > 0 ? { volume_image_metadata: imageMetadata } : {}),
  }
}

export const snapshotView = (x: Exchange, row: SnapshotRow): JsonRecord => ({
  id: row.id,
  created_at: timeOf(row.created_at_ms),
  updated_at: timeOf(row.updated_at_ms),
  name: row.name,
  description: row.description,
  volume_id: row.volume_id,
  status: row.status,
  size: row.size_gib,
  metadata: mapOf(row.metadata),
})

export const snapshotDetail = (x: Exchange, row: SnapshotRow): JsonRecord => ({
  ...snapshotView(x, row),
  ...since(x, 14, { group_snapshot_id: null }),
  ...since(x, 41, { user_id: row.user_id }),
  ...since(x, 65, { consumes_quota: true }),
})

/** With what an extension adds when a snapshot is shown or listed. */
export const snapshotExtended = (x: Exchange, row: SnapshotRow): JsonRecord => ({
  ...snapshotDetail(x, row),
  'os-extended-snapshot-attributes:project_id': row.project_id,
  'os-extended-snapshot-attributes:progress': row.progress,
})

export const attachmentSummary = (row: AttachmentRow): JsonRecord => ({
  id: row.id,
  status: row.status,
  instance: row.server_id,
  volume_id: row.volume_id,
})

export const attachmentDetail = (row: AttachmentRow): JsonRecord => ({
  ...attachmentSummary(row),
  attached_at: timeOf(row.attached_at_ms) ?? '',
  detached_at: '',
  attach_mode: row.mode,
  connection_info: row.connection === null ? {} : fromJson<Json>(row.connection),
})

/** Specs that whoever may use a type may know. */
const visibleSpecs = ['multiattach', 'RESKEY:availability_zones', 'replication_enabled']

export function specsFor(x: Exchange, row: TypeRow): Record<string, string> {
  const specs = mapOf(row.extra_specs)
  if (x.actor.isAdmin) return specs
  return Object.fromEntries(Object.entries(specs).filter(([key]) => visibleSpecs.includes(key)))
}

/** A type as an update shows it. */
export const typeSummary = (x: Exchange, row: TypeRow): JsonRecord => ({
  id: row.id,
  name: row.name,
  is_public: row.is_public === 1,
  description: row.description,
  extra_specs: specsFor(x, row),
})

/** As its creation shows it. */
export const newTypeView = (x: Exchange, row: TypeRow): JsonRecord => ({
  ...typeSummary(x, row),
  'os-volume-type-access:is_public': row.is_public === 1,
})

export const typeView = (x: Exchange, row: TypeRow): JsonRecord => ({
  ...newTypeView(x, row),
  ...(x.actor.isAdmin ? { qos_specs_id: row.qos_specs_id } : {}),
})

export const transferSummary = (x: Exchange, row: TransferRow): JsonRecord => ({
  id: row.id,
  volume_id: row.volume_id,
  name: row.name,
  links: linksOf(x, 'os-volume-transfer', row.id),
})

export const transferDetail = (x: Exchange, row: TransferRow): JsonRecord => ({
  ...transferSummary(x, row),
  created_at: timeOf(row.created_at_ms),
  ...since(x, 55, { no_snapshots: row.has_no_snapshots === 1 }),
  ...since(x, 57, { destination_project_id: null, source_project_id: row.source_project_id, accepted: false }),
})
