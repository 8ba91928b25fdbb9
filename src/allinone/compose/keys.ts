import { join } from 'node:path'
import { declareFault } from '#base'
import { fileKeys, fixedKey, type KeyPort, withFixedKey } from '#cloud'
import type { Config } from '#config'

export const FixedKeyUnusable = declareFault(
  'FixedKeyUnusable',
  'final',
  () => '[key_manager] fixed_key is not an even number of hexadecimal digits.',
)
export const FixedKeyMissing = declareFault(
  'FixedKeyMissing',
  'final',
  () => '[key_manager] backend is a ConfKeyManager, and keymgr.fixed_key not defined',
)
export const KeyManagerUnknown = declareFault(
  'KeyManagerUnknown',
  'final',
  (p: { backend: string }) =>
    `[key_manager] backend ${p.backend} is not supported; use barbican, or leave it out for files of this machine.`,
)

function bytesOf(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw FixedKeyUnusable({})
  return Buffer.from(hex, 'hex')
}

/** Also by the names of classes that older files have. */
const isBarbican = (backend: string): boolean => backend === 'barbican' || backend.endsWith('.BarbicanKeyManager')
const isFixed = (backend: string): boolean => backend.endsWith('.ConfKeyManager')

/**
 * Where secrets are. Without a key manager they lie in the state folder, in `secrets`; `keys` beside it holds those of users,
 * for ssh. The fixed key is had from nova.conf whatever the rest is, as with castellan.
 */
export function keysOf({ key_manager: { backend, fixed_key } }: Config, statePath: string, barbican: () => KeyPort) {
  const fixed = fixed_key === null ? undefined : bytesOf(fixed_key)
  if (backend === null) return withFixedKey(fileKeys(join(statePath, 'secrets')), fixed)
  if (isBarbican(backend)) return withFixedKey(barbican(), fixed)
  if (!isFixed(backend)) throw KeyManagerUnknown({ backend })
  if (fixed === undefined) throw FixedKeyMissing({})
  return fixedKey(fixed)
}
