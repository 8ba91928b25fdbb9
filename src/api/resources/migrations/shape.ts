import { int, links, oneOf, projectId, str } from '#api/kit'
import { isoMicros } from '#base'
import type { Migration } from '#model'

const place = {
  dest_compute: str.nullable(),
  dest_host: str.nullable(),
  dest_node: str.nullable(),
  source_compute: str.nullable(),
  source_node: str.nullable(),
}
const owner = {
  uuid: str.since('2.59'),
  user_id: str.nullable().since('2.80'),
  project_id: projectId.nullable().since('2.80'),
}

/** One move in the list of all. */
export const migration = {
  ...place,
  ...owner,
  id: int,
  instance_uuid: str,
  new_instance_type_id: int.nullable(),
  old_instance_type_id: int.nullable(),
  status: str,
  created_at: str,
  updated_at: str.nullable(),
  migration_type: oneOf('migration', 'resize', 'live-migration', 'evacuation').since('2.23'),
  links: links.optional().since('2.23'),
}

const count = int.nullable()

/** One live migration of a server, on its way. */
export const serverMigration = {
  ...place,
  ...owner,
  id: int,
  server_uuid: str,
  status: str,
  created_at: str,
  updated_at: str,
  memory_total_bytes: count,
  memory_processed_bytes: count,
  memory_remaining_bytes: count,
  disk_total_bytes: count,
  disk_processed_bytes: count,
  disk_remaining_bytes: count,
}

/** Hosts are the operator's business; others see that there are some. */
const placeView = (move: Migration, showsHosts: boolean) => ({
  dest_compute: showsHosts ? move.destHost : null,
  dest_host: showsHosts ? move.destIp : null,
  dest_node: showsHosts ? move.destNode : null,
  source_compute: showsHosts ? move.sourceHost : null,
  source_node: showsHosts ? move.sourceNode : null,
})

const common = (move: Migration, showsHosts: boolean) => ({
  ...placeView(move, showsHosts),
  id: move.number,
  uuid: move.uuid,
  user_id: move.userId,
  project_id: move.projectId,
  status: move.status,
  created_at: isoMicros(move.createdAtMs),
})

export const migrationView = (move: Migration, showsHosts: boolean) => ({
  ...common(move, showsHosts),
  instance_uuid: move.instanceId,
  new_instance_type_id: move.newFlavor?.number ?? null,
  old_instance_type_id: move.oldFlavor?.number ?? null,
  updated_at: move.updatedAtMs === null ? null : isoMicros(move.updatedAtMs),
  migration_type: move.type,
})

/** Nothing counted yet, or nothing left, is told as unknown: the numbers begin at one. */
const counted = (bytes: number | undefined): number | null => (bytes === undefined || bytes === 0 ? null : bytes)

export const serverMigrationView = (move: Migration, showsHosts: boolean) => ({
  ...common(move, showsHosts),
  server_uuid: move.instanceId,
  updated_at: isoMicros(move.updatedAtMs ?? move.createdAtMs),
  memory_total_bytes: counted(move.progress?.memoryTotal),
  memory_processed_bytes: counted(move.progress?.memoryProcessed),
  memory_remaining_bytes: counted(move.progress?.memoryRemaining),
  disk_total_bytes: counted(move.progress?.diskTotal),
  disk_processed_bytes: counted(move.progress?.diskProcessed),
  disk_remaining_bytes: counted(move.progress?.diskRemaining),
})
