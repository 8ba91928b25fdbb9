import { open, rename, rm } from 'node:fs/promises'

const clusterBits = 16
const clusterBytes = 2 ** clusterBits
const backingFormatExtension = 0xe2792aca
/** One L2 table maps 8192 clusters. */
const bytesPerL1Entry = clusterBytes * (clusterBytes / 8)

interface Backing {
  readonly file: string
  readonly format: 'raw' | 'qcow2'
}

/**
 * Writes an empty qcow2 (version 3) over a backing file: header, reference counts, L1 table. Done here rather than by
 * qemu-img because starting a process costs more than the whole of the rest of a disk's creation.
 * The file appears complete or not at all.
 */
export async function createOverlay(
  path: string,
  backingFile: string,
  virtualBytes: number,
  backingFormat: 'raw' | 'qcow2' = 'raw',
): Promise<void> {
  const partial = `${path}.part`
  const file = await open(partial, 'w', 0o600)
  try {
    const { bytes, fileBytes } = overlayBytes({ file: backingFile, format: backingFormat }, virtualBytes)
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

/** Header, reference count table, one block of counts, then the L1 table, which is all zeros and so only a length. */
function overlayBytes(backing: Backing, virtualBytes: number): { bytes: Buffer; fileBytes: number } {
  const l1Entries = Math.max(1, Math.ceil(virtualBytes / bytesPerL1Entry))
  const l1Clusters = Math.ceil((l1Entries * 8) / clusterBytes)
  const usedClusters = 3 + l1Clusters
  const bytes = Buffer.alloc(2 * clusterBytes + usedClusters * 2)
  writeHeader(bytes, backing, virtualBytes, l1Entries)
  bytes.writeBigUInt64BE(BigInt(2 * clusterBytes), clusterBytes)
  for (let cluster = 0; cluster < usedClusters; cluster++) bytes.writeUInt16BE(1, 2 * clusterBytes + cluster * 2)
  return { bytes, fileBytes: usedClusters * clusterBytes }
}

function writeHeader(bytes: Buffer, backing: Backing, virtualBytes: number, l1Entries: number): void {
  const headerBytes = 104
  const extension = Buffer.alloc(16)
  extension.writeUInt32BE(backingFormatExtension, 0)
  extension.writeUInt32BE(backing.format.length, 4)
  extension.write(backing.format, 8, 'latin1')
  const nameOffset = headerBytes + extension.length + 8
  const name = Buffer.from(backing.file)
  // QEMU reads at most 1023 bytes of it.
  if (name.length > 1023) throw new RangeError(`path of the backing file is too long: ${name.length} bytes`)
  bytes.write('QFI\xfb', 0, 'latin1')
  bytes.writeUInt32BE(3, 4)
  bytes.writeBigUInt64BE(BigInt(nameOffset), 8)
  bytes.writeUInt32BE(name.length, 16)
  bytes.writeUInt32BE(clusterBits, 20)
  bytes.writeBigUInt64BE(BigInt(virtualBytes), 24)
  bytes.writeUInt32BE(l1Entries, 36)
  bytes.writeBigUInt64BE(BigInt(3 * clusterBytes), 40)
  bytes.writeBigUInt64BE(BigInt(clusterBytes), 48)
  bytes.writeUInt32BE(1, 56)
  // Reference counts of 2^4 bits.
  bytes.writeUInt32BE(4, 96)
  bytes.writeUInt32BE(headerBytes, 100)
  extension.copy(bytes, headerBytes)
  name.copy(bytes, nameOffset)
}
