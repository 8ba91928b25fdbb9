import { KeyManagerError, KeyNotFound, type KeyPort } from './port.ts'

/** The one key of a Cinder without a key manager. */
export const fixedKeyId = '00000000-0000-0000-0000-000000000000'

/**
 * `ConfKeyManager`: there is that one key and no other. It is no place for secrets that servers need for themselves; their
 * owners are told so.
 */
export function fixedKey(secret: Uint8Array): KeyPort {
  const get: KeyPort['get'] = async (_as, id) => {
    if (id !== fixedKeyId) throw KeyNotFound({ id })
    return { id, secret }
  }
  return {
    get,
    ensure: async () => {
      throw KeyManagerError({ reason: 'cannot store arbitrary keys' })
    },
    share: async (as, id) => void (await get(as, id)),
    remove: async (_as, id) => {
      if (id !== fixedKeyId) throw KeyManagerError({ reason: 'cannot delete non-existent key' })
    },
    forget: async () => undefined,
  }
}

/** The key that nova.conf names, wherever all others are. */
export const withFixedKey = (keys: KeyPort, secret: Uint8Array | undefined): KeyPort =>
  secret === undefined
    ? keys
    : {
        ...keys,
        get: async (as, id) => (id === fixedKeyId ? { id, secret } : keys.get(as, id)),
        share: async (as, id) => (id === fixedKeyId ? undefined : keys.share(as, id)),
      }
