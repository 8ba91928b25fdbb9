import { isoSeconds, type JsonRecord } from '#base'
import { propertiesOf, tagsOf } from '../records.ts'
import type { ImageRow, MemberRow } from '../store/rows.ts'

/** An image as Glance shows it. */
export const imageView = (row: ImageRow): JsonRecord => ({
  ...propertiesOf(row),
  name: row.name,
  disk_format: row.disk_format,
  container_format: row.container_format,
  visibility: row.visibility,
  size: row.size_bytes,
  virtual_size: row.virtual_size_bytes,
  status: row.status,
  checksum: row.checksum,
  protected: row.is_protected === 1,
  min_ram: row.min_ram_mib,
  min_disk: row.min_disk_gib,
  owner: row.owner,
  os_hidden: row.is_hidden === 1,
  os_hash_algo: row.hash_algorithm,
  os_hash_value: row.hash_value,
  id: row.id,
  created_at: isoSeconds(row.created_at_ms),
  updated_at: isoSeconds(row.updated_at_ms),
  tags: tagsOf(row),
  self: `/v2/images/${row.id}`,
  file: `/v2/images/${row.id}/file`,
  schema: '/v2/schemas/image',
})

export const memberView = (row: MemberRow): JsonRecord => ({
  member_id: row.member_id,
  image_id: row.image_id,
  status: row.status,
  created_at: isoSeconds(row.created_at_ms),
  updated_at: isoSeconds(row.updated_at_ms),
  schema: '/v2/schemas/member',
})
