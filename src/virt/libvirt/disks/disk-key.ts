import { HypervisorError } from '../../faults.ts'
import type { DiskEncryption } from '../../guest-spec.ts'
import { isWritable, type LuksShape, luksHeader, usualLuks } from './luks-header.ts'

/** What opens a disk or an image; undefined for one that is not encrypted. */
export function passphraseOf(encryption: DiskEncryption | undefined): Buffer | undefined {
  if (encryption === undefined) return undefined
  const { base64, secretId } = encryption
  if (base64 === undefined)
    throw HypervisorError({ operation: 'open encrypted disk', reason: `nobody has told the passphrase ${secretId}` })
  return Buffer.from(base64, 'base64')
}

const shapeOf = ({ cipher, keyBits }: DiskEncryption): LuksShape => ({
  cipher: cipher ?? usualLuks.cipher,
  keyBits: keyBits ?? usualLuks.keyBits,
})

/** For a disk that is to be made: its own key, wrapped. */
export function headerFor(encryption: DiskEncryption): Buffer {
  const passphrase = passphraseOf(encryption) ?? Buffer.alloc(0)
  const shape = shapeOf(encryption)
  if (!isWritable(shape)) {
    const reason = `disks cannot be encrypted by ${shape.cipher} with a key of ${shape.keyBits} bits`
    throw HypervisorError({ operation: 'encrypted disk', reason })
  }
  return luksHeader(passphrase, shape)
}
