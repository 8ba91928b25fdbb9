import { open, stat, truncate } from 'node:fs/promises'
import { HypervisorError } from '../../faults.ts'
import type { DiskFormat } from '../images/disk-info.ts'
import { type KeyedDisk, keyedQemuImg } from '../images/keyed-qemu-img.ts'
import { qcow2HeaderOf } from '../images/qcow2-header.ts'
import { runLimited } from '../images/qemu-img.ts'
import { readAt } from '../images/read-at.ts'

const cpuSeconds = 600

/** What the guest sees of a disk. */
export async function virtualBytesOf(path: string, format: DiskFormat): Promise<number> {
  if (format === 'raw') return (await stat(path)).size
  const header = await qcow2HeaderOf(path)
  if (header === undefined) throw HypervisorError({ operation: 'resize', reason: `${path} is not a qcow2` })
  return header.virtualBytes
}

/**
 * Makes the disk of a guest that is off as large as this; one that is larger already stays. The file system of a raw disk
 * without partitions grows with it, as in Nova; all others are the guest's own affair.
 */
export async function growDisk(path: string, format: DiskFormat, bytes: number, passphrase?: Buffer): Promise<void> {
  if ((await virtualBytesOf(path, format)) < bytes) {
    if (format === 'raw') await truncate(path, bytes)
    else await growQcow2({ path, format, passphrase }, bytes)
  }
  if (format === 'raw') await growFileSystem(path)
}

async function growQcow2(disk: KeyedDisk, bytes: number): Promise<void> {
  const argsFor = ([name = '']: readonly string[]) => ['-q', '--image-opts', name, String(bytes)]
  const { exitCode, stderr } = await keyedQemuImg('resize', [disk], argsFor, { cpuSeconds })
  if (exitCode !== 0) throw HypervisorError({ operation: 'resize', reason: stderr })
}

const superblock = { at: 1024, bytes: 1024, magicAt: 0x38, magic: 0xef53 }
const has64Bit = 0x80

/** Size of the ext2, 3 or 4 that fills a disk from its beginning; undefined for anything else. */
async function extBytes(path: string): Promise<number | undefined> {
  await using file = await open(path, 'r')
  const block = await readAt(file, superblock.at, superblock.bytes)
  if (block.length < superblock.bytes || block.readUInt16LE(superblock.magicAt) !== superblock.magic) return undefined
  const high = (block.readUInt32LE(0x60) & has64Bit) === 0 ? 0 : block.readUInt32LE(0x150)
  return (high * 2 ** 32 + block.readUInt32LE(0x4)) * 1024 * 2 ** block.readUInt32LE(0x18)
}

/** Best effort: a file system that e2fsck does not like stays as it is, and the guest has its larger disk all the same. */
async function growFileSystem(path: string): Promise<void> {
  const { size } = await stat(path)
  const before = await extBytes(path)
  if (before === undefined || before >= size) return
  const check = await runLimited('e2fsck', ['-fp', path], { cpuSeconds })
  // 1: it had errors, which are corrected.
  if (check.exitCode <= 1) await runLimited('resize2fs', [path], { cpuSeconds })
}
