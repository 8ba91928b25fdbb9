import { open, rename, rm, stat, truncate } from 'node:fs/promises'
import { HypervisorError } from '../../faults.ts'
import type { VolumeEncryption } from '../../guest-spec.ts'
import { runLimited } from '../images/qemu-img.ts'
import { readAt } from '../images/read-at.ts'

/** What a LUKS volume begins with, and where its header says where the contents do, in sectors. */
const magic = Buffer.from('LUKS\xba\xbe', 'latin1')
const payloadAt = 104
const sectorBytes = 512
/** More than header and key slots take with any cipher. */
const reservedBytes = 2 * 1024 * 1024
const formatCpuSeconds = 60
/** The passphrase is a key of random bytes, which no number of rounds makes harder to guess. */
const iterationMs = 10

/** Where the contents of a LUKS volume begin; undefined for a file or device that is none. */
export async function luksOffset(path: string): Promise<number | undefined> {
  await using file = await open(path, 'r')
  const head = await readAt(file, 0, payloadAt + 4)
  if (head.length < payloadAt + 4 || !head.subarray(0, magic.length).equals(magic)) return undefined
  return head.readUInt32BE(payloadAt) * sectorBytes
}

/** `aes-xts-plain64` in QEMU's words. */
function cipherOptions({ cipher, keySizeBits }: VolumeEncryption): string {
  const [algorithm = 'aes', mode = 'xts', generator = 'plain64'] = (cipher ?? 'aes-xts-plain64').split('-')
  // XTS has two keys, and Cinder counts both.
  const bits = keySizeBits === null ? 256 : mode === 'xts' ? keySizeBits / 2 : keySizeBits
  const [iv, hash] = generator.split(':')
  const hashed = hash === undefined ? '' : `,ivgen-hash-alg=${hash}`
  return `cipher-alg=${algorithm}-${bits},cipher-mode=${mode},ivgen-alg=${iv}${hashed},iter-time=${iterationMs}`
}

/** What we write to is a socket, which no program opens by name; from a pipe it can. */
const throughPipe = ['-c', 'cat | exec qemu-img "$@"', 'qemu-img']

async function format(path: string, bytes: number, encryption: VolumeEncryption, secret: Uint8Array): Promise<void> {
  const key = ['--object', 'secret,id=key,file=/dev/stdin', '-o', `key-secret=key,${cipherOptions(encryption)}`]
  const command = [...throughPipe, 'create', '-q', '-f', 'luks', ...key, path, String(bytes - reservedBytes)]
  const result = await runLimited('sh', command, { cpuSeconds: formatCpuSeconds, input: secret })
  if (result.exitCode !== 0) throw HypervisorError({ operation: 'format encrypted volume', reason: result.stderr })
}

/** Makes a new volume one that the passphrase opens, as whoever attaches it first must; one that is is left alone. */
export async function makeLuks(path: string, encryption: VolumeEncryption, secret: Uint8Array): Promise<void> {
  if ((await luksOffset(path)) !== undefined) return
  const found = await stat(path)
  if (found.isBlockDevice()) return format(path, await deviceBytes(path), encryption, secret)
  // In a file of its own, so that a crash leaves no header without its keys.
  const partial = `${path}.luks-part`
  await rm(partial, { force: true })
  await format(partial, found.size, encryption, secret)
  await truncate(partial, found.size)
  await rename(partial, path)
}

async function deviceBytes(path: string): Promise<number> {
  const { stdout, stderr, exitCode } = await runLimited('blockdev', ['--getsize64', path], { cpuSeconds: 5 })
  if (exitCode !== 0) throw HypervisorError({ operation: 'format encrypted volume', reason: stderr })
  return Number(stdout.trim())
}
