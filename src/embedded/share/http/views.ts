import type { JsonRecord } from '#base'
import { isHidden } from '../access.ts'
import { mapOf } from '../core.ts'
import type { AccessRow, LockRow, ShareRow, TypeRow } from '../store/rows.ts'
import type { Exchange } from './exchange.ts'
import { since } from './microversion.ts'

/** Without a zone, to the microsecond, as Manila's database gives it. */
export const timeOf = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString().replace('Z', '000')

const linksOf = (x: Exchange, collection: string, id: string) => [
  { rel: 'self', href: `${x.base}/${collection}/${id}` },
  { rel: 'bookmark', href: `${x.bookmarks}/${collection}/${id}` },
]

export const shareSummary = (x: Exchange, row: ShareRow) => ({
  id: row.id,
  name: row.name,
  links: linksOf(x, 'shares', row.id),
})

export const exportPath = (x: Exchange, row: ShareRow): string | null =>
  row.status === 'creating' ? null : x.core.folders.pathOf(row.instance_id)

export function shareView(x: Exchange, row: ShareRow): JsonRecord {
  const type = x.core.state.table('share_types').get(row.share_type_id)
  const path = exportPath(x, row)
  return {
    id: row.id,
    size: row.size_gib,
    availability_zone: row.availability_zone,
    created_at: timeOf(row.created_at_ms),
    status: row.status,
    name: row.name,
    description: row.description,
    project_id: row.project_id,
    snapshot_id: null,
    share_network_id: null,
    share_proto: row.share_proto,
    metadata: mapOf(row.metadata),
    share_type: x.version >= 6 ? row.share_type_id : (type?.name ?? row.share_type_id),
    volume_type: type?.name ?? row.share_type_id,
    links: linksOf(x, 'shares', row.id),
    is_public: row.is_public === 1,
    ...(x.version < 9 ? { export_location: path, export_locations: path === null ? [] : [path] } : {}),
    ...since(x, 2, { snapshot_support: false }),
    ...since(x, 5, { task_state: null }),
    ...since(x, 6, { share_type_name: type?.name ?? null }),
    ...since(x, 10, { access_rules_status: 'active' }),
    ...since(x, 11, { replication_type: null, has_replicas: false }),
    ...since(x, 16, { user_id: row.user_id }),
    ...since(x, 24, { create_share_from_snapshot_support: false }),
    ...since(x, 27, { revert_to_snapshot_support: false }),
    ...since(x, 31, { share_group_id: null, source_share_group_snapshot_member_id: null }),
    ...since(x, 32, { mount_snapshot_support: false }),
    ...since(x, 54, { progress: row.status === 'available' ? '100%' : null }),
    ...since(x, 69, { is_soft_deleted: false, scheduled_to_be_deleted_at: null }),
    ...since(x, 80, { source_backup_id: null }),
    ...(x.actor.isAdmin ? { share_server_id: null, host: x.core.pool } : {}),
  }
}

export function exportView(x: Exchange, row: ShareRow, isDetailed: boolean): JsonRecord {
  return {
    id: row.export_id,
    path: exportPath(x, row),
    ...since(x, 14, { preferred: true }),
    ...(x.actor.isAdmin ? { share_instance_id: row.instance_id, is_admin_only: false } : {}),
    ...(isDetailed ? { created_at: timeOf(row.created_at_ms), updated_at: timeOf(row.updated_at_ms) } : {}),
  }
}

/** To whom a rule opens the share may be hidden from others. */
export function accessView(x: Exchange, row: AccessRow, isAlone: boolean): JsonRecord {
  const hidden = isHidden(x.core, x.actor, row)
  return {
    id: row.id,
    ...(isAlone ? { share_id: row.share_id } : {}),
    access_level: row.access_level,
    access_to: hidden ? '******' : row.access_to,
    access_type: row.access_type,
    state: row.state,
    ...since(x, 21, { access_key: hidden ? '******' : null }),
    ...since(x, 33, { created_at: timeOf(row.created_at_ms), updated_at: timeOf(row.updated_at_ms) }),
    ...since(x, 45, { metadata: mapOf(row.metadata) }),
  }
}

export const lockView = (x: Exchange, row: LockRow): JsonRecord => ({
  id: row.id,
  user_id: row.user_id,
  project_id: row.project_id,
  lock_context: row.lock_context,
  resource_type: row.resource_type,
  resource_id: row.resource_id,
  resource_action: row.resource_action,
  lock_reason: row.lock_reason,
  created_at: timeOf(row.created_at_ms),
  updated_at: timeOf(row.updated_at_ms),
  links: linksOf(x, 'resource-locks', row.id),
})

const isFalse = (text: string | undefined): boolean => text?.toLowerCase() === 'false'

/** What everybody may know of the extra specs; administrators see all of them. */
const publicSpecs = ['driver_handles_share_servers', 'snapshot_support', 'availability_zones', 'replication_type']

export function typeView(x: Exchange, row: TypeRow): JsonRecord {
  const specs = mapOf(row.extra_specs)
  const { driver_handles_share_servers: handlesServers } = specs
  const shown = x.actor.isAdmin
    ? specs
    : Object.fromEntries(Object.entries(specs).filter(([name]) => publicSpecs.includes(name)))
  const access = x.version >= 7 ? 'share_type_access:is_public' : 'os-share-type-access:is_public'
  return {
    id: row.id,
    name: row.name,
    extra_specs: shown,
    required_extra_specs: { driver_handles_share_servers: isFalse(handlesServers) ? 'False' : 'True' },
    [access]: row.is_public === 1,
    ...since(x, 41, { description: row.description }),
    ...since(x, 46, { is_default: row.is_default === 1 }),
  }
}
