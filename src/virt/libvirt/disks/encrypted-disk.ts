import type { DiskEncryption } from '../../guest-spec.ts'
import { type KeyedDisk, keyedQemuImg } from '../images/keyed-qemu-img.ts'
import type { ProgramLimits, ProgramResult } from '../images/qemu-img.ts'
import { headerFor, passphraseOf } from './disk-key.ts'
import { createQcow2 } from './new-qcow2.ts'

const copyCpuSeconds = 6 * 3600

/** A disk of its own with the contents of another file, encrypted on the way; nothing of them lies open in between. */
export async function makeEncrypted(
  path: string,
  source: KeyedDisk & { readonly isShared?: boolean },
  virtualBytes: number,
  encryption: DiskEncryption,
  limits: ProgramLimits = { cpuSeconds: copyCpuSeconds },
): Promise<ProgramResult> {
  await createQcow2(path, { virtualBytes, luksHeader: headerFor(encryption) })
  const target: KeyedDisk = { path, format: 'qcow2', passphrase: passphraseOf(encryption) }
  const options = [...(source.isShared === true ? ['-U'] : []), '--image-opts', '--target-image-opts']
  // What has just been made is all zeros, and need not be written as such.
  const fill = ([from = '', to = '']: readonly string[]) => [...options, '-n', '--target-is-zero', from, to]
  return keyedQemuImg('convert', [source, target], fill, limits)
}
