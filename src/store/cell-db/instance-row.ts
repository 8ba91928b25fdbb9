import type { Insertable, Selectable, Updateable } from 'kysely'
import { fromJson, instanceId } from '#base'
import type { Instance, PowerState, TaskState, VmState } from '#model'
import { sharedJson } from '../shared-json.ts'
import type { CellTables } from './schema.ts'

type Row = Selectable<CellTables['instances']>

const optional = <T>(text: string | null): T | null => (text === null ? null : fromJson<T>(text))

const flavorOf = sharedJson<Instance['flavor']>()
const imageOf = sharedJson<NonNullable<Instance['image']>>()

export const fromRow = (row: Row): Instance => ({
  id: instanceId(row.id),
  number: row.number,
  projectId: row.project_id,
  userId: row.user_id,
  displayName: row.display_name,
  hostname: row.hostname,
  description: row.description,
  reservationId: row.reservation_id,
  launchIndex: row.launch_index,
  vmState: row.vm_state as VmState,
  taskState: row.task_state as TaskState | null,
  powerState: row.power_state as PowerState,
  host: row.host,
  node: row.node,
  launchedOn: row.launched_on,
  requestedZone: row.requested_zone,
  flavor: flavorOf(row.flavor_json),
  image: row.image_json === null ? null : imageOf(row.image_json),
  key: optional(row.key_json),
  userData: row.user_data,
  hasConfigDrive: row.config_drive === 1,
  accessIpV4: row.access_ip_v4,
  accessIpV6: row.access_ip_v6,
  rootDeviceName: row.root_device_name,
  progress: row.progress,
  lockedBy: row.locked_by as Instance['lockedBy'],
  lockedReason: row.locked_reason,
  metadata: fromJson(row.metadata_json),
  systemMetadata: fromJson(row.system_metadata_json),
  securityGroups: fromJson(row.security_groups_json),
  trustedImageCertificates: optional(row.trusted_certs_json),
  networkInfo: fromJson(row.network_json),
  createdAtMs: row.created_at,
  updatedAtMs: row.updated_at,
  launchedAtMs: row.launched_at,
  terminatedAtMs: row.terminated_at,
  deletedAtMs: row.deleted_at,
  isDeleted: row.deleted !== 0,
  sagaId: row.saga_id,
})

/** What a caller may change of an instance; `flavor` and `image` move their query columns along. */
export type InstanceChange = Partial<Omit<Instance, 'id' | 'number' | 'isDeleted' | 'createdAtMs'>>

const json = (value: unknown): string => JSON.stringify(value)
const jsonOrNull = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

/** One writer per field: a change touches only the columns it names. */
const writers: { [K in keyof InstanceChange]-?: (value: Instance[K]) => Updateable<CellTables['instances']> } = {
  projectId: v => ({ project_id: v }),
  userId: v => ({ user_id: v }),
  displayName: v => ({ display_name: v }),
  hostname: v => ({ hostname: v }),
  description: v => ({ description: v }),
  reservationId: v => ({ reservation_id: v }),
  launchIndex: v => ({ launch_index: v }),
  vmState: v => ({ vm_state: v }),
  taskState: v => ({ task_state: v }),
  powerState: v => ({ power_state: v }),
  host: v => ({ host: v }),
  node: v => ({ node: v }),
  launchedOn: v => ({ launched_on: v }),
  requestedZone: v => ({ requested_zone: v }),
  flavor: v => ({
    flavor_id: v.flavorId,
    memory_mib: v.memoryMiB,
    vcpus: v.vcpus,
    root_gib: v.rootGiB,
    ephemeral_gib: v.ephemeralGiB,
    flavor_json: json(v),
  }),
  image: v => ({ image_id: v?.id ?? null, image_json: jsonOrNull(v) }),
  key: v => ({ key_name: v?.name ?? null, key_json: jsonOrNull(v) }),
  userData: v => ({ user_data: v }),
  hasConfigDrive: v => ({ config_drive: Number(v) }),
  accessIpV4: v => ({ access_ip_v4: v }),
  accessIpV6: v => ({ access_ip_v6: v }),
  rootDeviceName: v => ({ root_device_name: v }),
  progress: v => ({ progress: v }),
  lockedBy: v => ({ locked_by: v }),
  lockedReason: v => ({ locked_reason: v }),
  metadata: v => ({ metadata_json: json(v) }),
  systemMetadata: v => ({ system_metadata_json: json(v) }),
  securityGroups: v => ({ security_groups_json: json(v) }),
  trustedImageCertificates: v => ({ trusted_certs_json: jsonOrNull(v) }),
  networkInfo: v => ({ network_json: json(v) }),
  updatedAtMs: v => ({ updated_at: v }),
  launchedAtMs: v => ({ launched_at: v }),
  terminatedAtMs: v => ({ terminated_at: v }),
  deletedAtMs: v => ({ deleted_at: v }),
  sagaId: v => ({ saga_id: v }),
}

export function toColumns(change: InstanceChange): Updateable<CellTables['instances']> {
  const columns: Updateable<CellTables['instances']> = {}
  for (const [field, value] of Object.entries(change)) {
    if (value === undefined) continue
    const write = writers[field as keyof InstanceChange] as (v: unknown) => Updateable<CellTables['instances']>
    Object.assign(columns, write(value))
  }
  return columns
}

export type NewInstance = Omit<Instance, 'number' | 'isDeleted'>

export function toNewRow(instance: NewInstance): Insertable<CellTables['instances']> {
  const { id, createdAtMs, ...rest } = instance
  const columns = toColumns(rest) as Omit<Insertable<CellTables['instances']>, 'id' | 'created_at' | 'deleted'>
  return { ...columns, id, created_at: createdAtMs, deleted: 0 }
}
