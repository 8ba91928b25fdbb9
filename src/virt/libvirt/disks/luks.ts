import { open, rename, rm, stat, truncate } from 'node:fs/promises'
import { HypervisorError } from '../../faults.ts'
import type { VolumeEncryption } from '../../guest-spec.ts'
import { throughPipe } from '../images/keyed-qemu-img.ts'
import { runLimited } from '../images/qemu-img.ts'
import { readAt } from '../images/read-at.ts'
import { isWritable, type LuksShape, luksHeader, luksMagic, payloadAt, sectorBytes, usualLuks } from './luks-header.ts'

/** More than header and key slots take with any cipher. */
const reservedBytes = 2 * 1024 * 1024
const formatCpuSeconds = 60
/** The passphrase is a key of random bytes, which no number of rounds makes harder to guess. */
const iterationMs = 10

/** Where the contents of a LUKS volume begin; undefined for a file or device that is none. */
export async function luksOffset(path: string): Promise<number | undefined> {
  await using file = await open(path, 'r')
  const head = await readAt(file, 0, payloadAt + 4)
  if (head.length < payloadAt + 4 || !head.subarray(0, luksMagic.length).equals(luksMagic)) return undefined
  return head.readUInt32BE(payloadAt) * sectorBytes
}

const shapeOf = ({ cipher, keySizeBits }: VolumeEncryption): LuksShape => {
  const asked = cipher ?? usualLuks.cipher
  // XTS has two keys, and Cinder counts both.
  return { cipher: asked, keyBits: keySizeBits ?? (asked.includes('-xts-') ? usualLuks.keyBits : 256) }
}

/** `aes-xts-plain64` in QEMU's words. */
function cipherOptions(encryption: VolumeEncryption): string {
  const { cipher, keyBits } = shapeOf(encryption)
  const [algorithm = 'aes', mode = 'xts', generator = 'plain64'] = cipher.split('-')
  const bits = mode === 'xts' ? keyBits / 2 : keyBits
  const [iv, hash] = generator.split(':')
  const hashed = hash === undefined ? '' : `,ivgen-hash-alg=${hash}`
  return `cipher-alg=${algorithm}-${bits},cipher-mode=${mode},ivgen-alg=${iv}${hashed},iter-time=${iterationMs}`
}

/** With a cipher that only QEMU knows. */
async function format(path: string, bytes: number, encryption: VolumeEncryption, secret: Uint8Array): Promise<void> {
  const key = ['--object', 'secret,id=key,file=/dev/stdin', '-o', `key-secret=key,${cipherOptions(encryption)}`]
  const command = [...throughPipe, 'create', '-q', '-f', 'luks', ...key, path, String(bytes - reservedBytes)]
  const result = await runLimited('sh', command, { cpuSeconds: formatCpuSeconds, input: secret })
  if (result.exitCode !== 0) throw HypervisorError({ operation: 'format encrypted volume', reason: result.stderr })
}

/** By what it begins with it is known for one, so that comes last: a crash leaves no header without its keys. */
async function writeHeader(path: string, header: Buffer): Promise<void> {
  await using file = await open(path, 'r+')
  await file.write(header, sectorBytes, header.length - sectorBytes, sectorBytes)
  await file.datasync()
  await file.write(header, 0, sectorBytes, 0)
  await file.datasync()
}

/** Makes a new volume one that the passphrase opens, as whoever attaches it first must; one that is is left alone. */
export async function makeLuks(path: string, encryption: VolumeEncryption, secret: Uint8Array): Promise<void> {
  if ((await luksOffset(path)) !== undefined) return
  const shape = shapeOf(encryption)
  if (isWritable(shape)) return writeHeader(path, luksHeader(secret, shape))
  const found = await stat(path)
  if (found.isBlockDevice()) return format(path, await deviceBytes(path), encryption, secret)
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
