import type { CellTables } from './schema.ts'

/** Tables whose rows are a server's own, by `instance_id`. */
export const serverTables = [
  'instance_tags',
  'instance_faults',
  'request_specs',
  'launch_secrets',
  'block_device_mappings',
  'share_mapping',
  'volume_usage',
] as const satisfies readonly (keyof CellTables)[]
export type ServerTable = (typeof serverTables)[number]
