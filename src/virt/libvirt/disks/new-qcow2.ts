import { open, rename, rm } from 'node:fs/promises'

const clusterBits = 16
const clusterBytes = 2 ** clusterBits
const extension = { backingFormat: 0xe2792aca, encryption: 0x0537be77 }
/** One L2 table maps 8192 clusters. */
const bytesPerL1Entry = clusterBytes * (clusterBytes / 8)
const headerBytes = 104
const luksMethod = 2
/** One block of reference counts, of 2 bytes each. */
const mostClusters = clusterBytes / 2

export interface NewQcow2 {
  readonly virtualBytes: number
  /** What it shows until somebody writes to it. */
  readonly backing?: { readonly file: string; readonly format: 'raw' | 'qcow2' }
  /** A LUKS header: what is written to it is encrypted with the key in there. */
  readonly luksHeader?: Buffer
}

/**
 * Writes an empty qcow2 (version 3): header, reference counts, L1 table. Done here rather than by qemu-img because starting
 * a process costs more than the whole of the rest of a disk's creation.
 * The file appears complete or not at all.
 */
export async function createQcow2(path: string, wanted: NewQcow2): Promise<void> {
  const partial = `${path}.part`
  const file = await open(partial, 'w', 0o600)
  try {
    const { bytes, fileBytes } = qcow2Bytes(wanted)
    await file.write(bytes, 0, bytes.length, 0)
    await file.truncate(fileBytes)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    await file.close()
  }
  await rename(partial, path)
}

const clustersOf = (bytes: number): number => Math.ceil(bytes / clusterBytes)

/**
 * Header, reference count table, one block of counts, the LUKS header if it has one, then the L1 table, which is all zeros
 * and so only a length.
 */
function qcow2Bytes(wanted: NewQcow2): { bytes: Buffer; fileBytes: number } {
  const { virtualBytes, luksHeader } = wanted
  const l1Entries = Math.max(1, Math.ceil(virtualBytes / bytesPerL1Entry))
  const luksClusters = clustersOf(luksHeader?.length ?? 0)
  const l1Cluster = 3 + luksClusters
  const usedClusters = l1Cluster + clustersOf(l1Entries * 8)
  if (usedClusters > mostClusters) throw new RangeError(`a disk of ${virtualBytes} bytes is too large`)
  const bytes = Buffer.alloc(luksHeader === undefined ? 2 * clusterBytes + usedClusters * 2 : l1Cluster * clusterBytes)
  writeHeader(bytes, wanted, l1Entries, l1Cluster)
  bytes.writeBigUInt64BE(BigInt(2 * clusterBytes), clusterBytes)
  for (let cluster = 0; cluster < usedClusters; cluster++) bytes.writeUInt16BE(1, 2 * clusterBytes + cluster * 2)
  luksHeader?.copy(bytes, 3 * clusterBytes)
  return { bytes, fileBytes: usedClusters * clusterBytes }
}

function extensionBytes(type: number, content: Buffer): Buffer {
  const bytes = Buffer.alloc(8 + Math.ceil(content.length / 8) * 8)
  bytes.writeUInt32BE(type, 0)
  bytes.writeUInt32BE(content.length, 4)
  content.copy(bytes, 8)
  return bytes
}

function encryptionPointer(luksHeader: Buffer): Buffer {
  const content = Buffer.alloc(16)
  content.writeBigUInt64BE(BigInt(3 * clusterBytes), 0)
  content.writeBigUInt64BE(BigInt(luksHeader.length), 8)
  return extensionBytes(extension.encryption, content)
}

function writeHeader(bytes: Buffer, wanted: NewQcow2, l1Entries: number, l1Cluster: number): void {
  const { virtualBytes, backing, luksHeader } = wanted
  const extensions = Buffer.concat([
    backing === undefined ? Buffer.alloc(0) : extensionBytes(extension.backingFormat, Buffer.from(backing.format)),
    luksHeader === undefined ? Buffer.alloc(0) : encryptionPointer(luksHeader),
    Buffer.alloc(8),
  ])
  const nameOffset = headerBytes + extensions.length
  const name = Buffer.from(backing?.file ?? '')
  // QEMU reads at most 1023 bytes of it.
  if (name.length > 1023) throw new RangeError(`path of the backing file is too long: ${name.length} bytes`)
  bytes.write('QFI\xfb', 0, 'latin1')
  bytes.writeUInt32BE(3, 4)
  bytes.writeBigUInt64BE(name.length === 0 ? 0n : BigInt(nameOffset), 8)
  bytes.writeUInt32BE(name.length, 16)
  bytes.writeUInt32BE(clusterBits, 20)
  bytes.writeBigUInt64BE(BigInt(virtualBytes), 24)
  if (luksHeader !== undefined) bytes.writeUInt32BE(luksMethod, 32)
  bytes.writeUInt32BE(l1Entries, 36)
  bytes.writeBigUInt64BE(BigInt(l1Cluster * clusterBytes), 40)
  bytes.writeBigUInt64BE(BigInt(clusterBytes), 48)
  bytes.writeUInt32BE(1, 56)
  // Reference counts of 2^4 bits.
  bytes.writeUInt32BE(4, 96)
  bytes.writeUInt32BE(headerBytes, 100)
  extensions.copy(bytes, headerBytes)
  name.copy(bytes, nameOffset)
}
