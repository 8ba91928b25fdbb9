import type { Core } from './core.ts'
import type { VolumeRow } from './store/rows.ts'

/** What a host needs to open an encrypted volume; of any other only the absence of a key. */
export function encryptionOf({ state }: Core, row: VolumeRow): Record<string, unknown> {
  const key = { encryption_key_id: row.encryption_key_id }
  const encryption =
    row.encryption_key_id === null ? undefined : state.table('volume_type_encryption').get(row.volume_type_id)
  if (encryption === undefined) return key
  const { provider, cipher, key_size, control_location } = encryption
  return { ...key, provider, cipher, key_size, control_location }
}
