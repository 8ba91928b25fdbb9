import { isRecord } from '#base'
import type { SortWish } from '#bus'

/** Where a server of the API shows what a sort key sorts by. What a caller does not see, cannot order his servers. */
const fields: Readonly<Record<string, readonly string[]>> = {
  access_ip_v4: ['accessIPv4'],
  access_ip_v6: ['accessIPv6'],
  availability_zone: ['OS-EXT-AZ:availability_zone'],
  config_drive: ['config_drive'],
  created_at: ['created'],
  display_description: ['description'],
  display_name: ['name'],
  host: ['OS-EXT-SRV-ATTR:host'],
  hostname: ['OS-EXT-SRV-ATTR:hostname'],
  image_ref: ['image', 'id'],
  instance_type_id: ['flavor', 'id'],
  key_name: ['key_name'],
  launch_index: ['OS-EXT-SRV-ATTR:launch_index'],
  launched_at: ['OS-SRV-USG:launched_at'],
  locked: ['locked'],
  node: ['OS-EXT-SRV-ATTR:hypervisor_hostname'],
  power_state: ['OS-EXT-STS:power_state'],
  progress: ['progress'],
  project_id: ['tenant_id'],
  root_device_name: ['OS-EXT-SRV-ATTR:root_device_name'],
  task_state: ['OS-EXT-STS:task_state'],
  terminated_at: ['OS-SRV-USG:terminated_at'],
  updated_at: ['updated'],
  user_id: ['user_id'],
  uuid: ['id'],
  vm_state: ['OS-EXT-STS:vm_state'],
}

export type SortValue = string | number | null

/** Newest first, as the API sorts what is not asked for otherwise. */
export const effectiveSort = (sort: readonly SortWish[]): readonly SortWish[] =>
  sort.length > 0 ? sort : [{ key: 'created_at', isDescending: true }]

function valueAt(server: unknown, path: readonly string[]): SortValue {
  let value: unknown = server
  for (const name of path) value = isRecord(value) ? value[name] : undefined
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'string' || typeof value === 'number' ? value : null
}

export const sortValues = (server: unknown, sort: readonly SortWish[]): readonly SortValue[] =>
  sort.map(({ key }) => valueAt(server, fields[key] ?? []))

function compare(a: SortValue, b: SortValue): number {
  if (a === b) return 0
  // As databases have it.
  if (a === null) return -1
  if (b === null) return 1
  return a < b ? -1 : 1
}

/** A place in the list of all cells. Servers that are alike stand by their cells, and within a cell as it has them. */
export interface Place {
  readonly values: readonly SortValue[]
  readonly cell: string
}

export function comparePlaces(a: Place, b: Place, sort: readonly SortWish[]): number {
  for (const [n, { isDescending }] of sort.entries()) {
    const order = compare(a.values[n] ?? null, b.values[n] ?? null)
    if (order !== 0) return isDescending ? -order : order
  }
  return compare(a.cell, b.cell)
}
