import type { FileHandle } from 'node:fs/promises'
import type { ImageInspection } from './image-inspection.ts'
import { readAt } from './read-at.ts'

/** Incompatible feature bits we know to be harmless: dirty, compression type, extended L2 entries. */
const harmlessFeatures = 0b1_1001n
const corruptFeature = 1n << 1n
const dataFileFeature = 1n << 2n
const extendedL2Feature = 1n << 4n
const dataFileExtension = 0x44415441
const endOfExtensions = 0

/** None, and LUKS. */
const luksMethod = 2
const encryptionMethods: ReadonlySet<number> = new Set([0, luksMethod])

const offsetMask = 0x00ff_ffff_ffff_fe00n
const compressedFlag = 1n << 62n

interface Header {
  readonly version: number
  readonly clusterBytes: number
  readonly clusterBits: number
  readonly virtualBytes: bigint
  readonly l1Entries: number
  readonly l1Offset: bigint
  readonly incompatible: bigint
  readonly headerBytes: number
}

/** QEMU's own bounds: an L1 table of 32 MiB, and 2^63 bytes. */
const maxL1Entries = (32 * 1024 * 1024) / 8

export async function inspectQcow2(file: FileHandle, fileBytes: number): Promise<ImageInspection> {
  const head = await readAt(file, 0, 65_536)
  const header = readHeader(head)
  if (typeof header === 'string') return refused(header)
  const refusal = headerRefusal(head, header)
  if (refusal !== undefined) return refused(refusal, header)
  const mapped = await countClusters(file, fileBytes, header)
  if (typeof mapped === 'string') return refused(mapped, header)
  const whole = { ...sizes(header), unpackedBytes: mapped * header.clusterBytes, refusal: undefined }
  return head.readUInt32BE(32) === luksMethod ? { ...whole, isEncrypted: true } : whole
}

const sizes = (header: Header | undefined) => ({
  format: 'qcow2' as const,
  virtualBytes: header === undefined ? 0 : Number(header.virtualBytes),
  unpackedBytes: 0,
})
const refused = (refusal: string, header?: Header): ImageInspection => ({ ...sizes(header), refusal })

function readHeader(head: Buffer): Header | string {
  if (head.length < 72) return 'its qcow2 header is cut off'
  const version = head.readUInt32BE(4)
  if (version !== 2 && version !== 3) return `qcow2 version ${version} is not supported`
  if (version === 3 && head.length < 104) return 'its qcow2 header is cut off'
  const clusterBits = head.readUInt32BE(20)
  if (clusterBits < 9 || clusterBits > 21) return 'its qcow2 cluster size is out of range'
  return {
    version,
    clusterBits,
    clusterBytes: 2 ** clusterBits,
    virtualBytes: head.readBigUInt64BE(24),
    l1Entries: head.readUInt32BE(36),
    l1Offset: head.readBigUInt64BE(40),
    incompatible: version === 3 ? head.readBigUInt64BE(72) : 0n,
    headerBytes: version === 3 ? head.readUInt32BE(100) : 72,
  }
}

function headerRefusal(head: Buffer, header: Header): string | undefined {
  if (head.readBigUInt64BE(8) !== 0n || head.readUInt32BE(16) !== 0) return 'it has a backing file'
  if ((header.incompatible & dataFileFeature) !== 0n || hasDataFileExtension(head, header))
    return 'it has an external data file'
  if ((header.incompatible & corruptFeature) !== 0n) return 'it is marked corrupt'
  if ((header.incompatible & ~harmlessFeatures) !== 0n) return 'it uses unknown qcow2 features'
  if (!encryptionMethods.has(head.readUInt32BE(32))) return 'it is encrypted in a way that is not supported'
  if (header.virtualBytes === 0n) return 'its virtual size is zero'
  if (header.virtualBytes > 2n ** 53n || header.l1Entries > maxL1Entries) return 'its virtual size is out of range'
  return undefined
}

function hasDataFileExtension(head: Buffer, header: Header): boolean {
  let at = header.headerBytes
  while (at + 8 <= head.length) {
    const type = head.readUInt32BE(at)
    if (type === endOfExtensions) return false
    if (type === dataFileExtension) return true
    at += 8 + Math.ceil(head.readUInt32BE(at + 4) / 8) * 8
  }
  return false
}

/**
 * Walks the tables: how many clusters hold data, and whether each lies within the file. qemu-img check does not mind data
 * beyond the end of a cut-off file; the guest would find zeros there.
 */
async function countClusters(file: FileHandle, fileBytes: number, header: Header): Promise<number | string> {
  const cutOff = 'it is truncated: its tables point beyond the end of the file'
  const entryBytes = (header.incompatible & extendedL2Feature) === 0n ? 8 : 16
  const entriesPerTable = header.clusterBytes / entryBytes
  const neededL1 = Math.ceil(Number(header.virtualBytes) / header.clusterBytes / entriesPerTable)
  if (header.l1Entries < neededL1) return 'its L1 table is too small for its virtual size'
  const l1 = await readAt(file, Number(header.l1Offset), header.l1Entries * 8)
  if (l1.length < header.l1Entries * 8) return cutOff
  // Each table has a cluster of its own. Many entries for one table would make a small file endless to read.
  const tables = l1Offsets(l1)
  if (tables.length * header.clusterBytes > fileBytes + header.clusterBytes) return 'its L2 tables overlap'
  let count = 0
  for (const l2Offset of tables) {
    const l2 = await readAt(file, l2Offset, header.clusterBytes)
    if (l2.length < header.clusterBytes && l2Offset + l2.length < fileBytes) return cutOff
    if (l2.length === 0) return cutOff
    for (let j = 0; j + 8 <= l2.length; j += entryBytes) {
      const entry = l2.readBigUInt64BE(j)
      const offset = dataOffset(entry, header)
      if (offset === undefined) continue
      if (offset >= fileBytes) return cutOff
      count++
    }
  }
  return count
}

function l1Offsets(l1: Buffer): number[] {
  const offsets: number[] = []
  for (let i = 0; i < l1.length; i += 8) {
    const offset = Number(l1.readBigUInt64BE(i) & offsetMask)
    if (offset !== 0) offsets.push(offset)
  }
  return offsets
}

/** Where a cluster's data begins; undefined for one that reads as zeros. */
function dataOffset(entry: bigint, header: Header): number | undefined {
  if ((entry & compressedFlag) !== 0n) {
    const offsetBits = 62n - (BigInt(header.clusterBits) - 8n)
    return Number(entry & ((1n << offsetBits) - 1n))
  }
  const offset = entry & offsetMask
  return offset === 0n ? undefined : Number(offset)
}
