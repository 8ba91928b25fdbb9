import { join } from 'node:path'
import { declareFault } from '#base'
import { fileKeys, type KeyPort } from '#cloud'
import type { Config } from '#config'

export const FixedKeyUnusable = declareFault(
  'FixedKeyUnusable',
  'final',
  () => '[key_manager] fixed_key is not an even number of hexadecimal digits.',
)

function bytesOf(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw FixedKeyUnusable({})
  return Buffer.from(hex, 'hex')
}

/** Nova's own secrets, in its state folder; `keys` beside it holds those of users, for ssh. */
export const keysOf = ({ key_manager: { fixed_key: fixed } }: Config, statePath: string): KeyPort =>
  fileKeys(join(statePath, 'secrets'), { fixedKey: fixed === null ? undefined : bytesOf(fixed) })
