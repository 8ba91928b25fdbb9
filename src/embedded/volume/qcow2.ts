/**
 * Reads the disk out of a qcow2 image, with no other program: most images are qcow2, and not every host has qemu-img.
 * What points outside the file (backing and data files), is encrypted, or uses what came after zlib is refused.
 */
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { constants, inflateRaw } from 'node:zlib'
import { ImageUnusable } from './unusable.ts'

const inflate = promisify(inflateRaw)
const magic = 0x514649fb
/** As QEMU limits it: 32 MiB of first-level table. */
const largestL1 = (32 * 1024 * 1024) / 8
const offsetMask = 0x00fffffffffffe00n
const compressedFlag = 1n << 62n
const zeroFlag = 1n
/** Dirty is harmless; corrupt, external data, other compression and extended tables are not. */
const harmlessFeatures = 1n

interface Header {
  readonly clusterBits: number
  readonly sizeBytes: number
  readonly l1Size: number
  readonly l1Offset: bigint
}

const refuse = (reason: string) => ImageUnusable({ reason })
const corrupt = () => refuse('the image is corrupt')

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, offset)
  return buffer.subarray(0, bytesRead)
}

async function readHeader(file: FileHandle): Promise<Header> {
  const head = await readAt(file, 0, 112)
  if (head.length < 72 || head.readUInt32BE(0) !== magic) throw refuse('the image is no qcow2')
  const version = head.readUInt32BE(4)
  if (version !== 2 && version !== 3) throw refuse(`qcow2 version ${version} is not supported`)
  if (head.readBigUInt64BE(8) !== 0n) throw refuse('the image has a backing file')
  if (head.readUInt32BE(32) !== 0) throw refuse('the image is encrypted')
  const features = version === 3 && head.length >= 80 ? head.readBigUInt64BE(72) : 0n
  if ((features & 4n) !== 0n) throw refuse('the image has a data file')
  if ((features & ~harmlessFeatures) !== 0n) throw refuse('the image uses features of qcow2 that are not supported')
  const clusterBits = head.readUInt32BE(20)
  const size = head.readBigUInt64BE(24)
  const l1Size = head.readUInt32BE(36)
  if (clusterBits < 9 || clusterBits > 21 || size > BigInt(Number.MAX_SAFE_INTEGER) || l1Size > largestL1)
    throw corrupt()
  return { clusterBits, sizeBytes: Number(size), l1Size, l1Offset: head.readBigUInt64BE(40) }
}

class Reader {
  readonly #file: FileHandle
  readonly #fileBytes: number
  readonly #header: Header
  readonly #clusterBytes: number

  constructor(file: FileHandle, fileBytes: number, header: Header) {
    this.#file = file
    this.#fileBytes = fileBytes
    this.#header = header
    this.#clusterBytes = 2 ** header.clusterBits
  }

  /** Entries of a table in the file. */
  async table(offset: bigint, entries: number): Promise<Buffer> {
    if (Number(offset) + entries * 8 > this.#fileBytes) throw corrupt()
    return readAt(this.#file, Number(offset), entries * 8)
  }

  /** The content of one cluster; undefined where there is none. */
  async cluster(entry: bigint): Promise<Buffer | undefined> {
    if ((entry & compressedFlag) !== 0n) return this.#compressed(entry)
    const offset = Number(entry & offsetMask)
    if (offset === 0 || (entry & zeroFlag) !== 0n) return undefined
    if (offset >= this.#fileBytes) throw corrupt()
    return readAt(this.#file, offset, this.#clusterBytes)
  }

  async #compressed(entry: bigint): Promise<Buffer> {
    const bits = BigInt(62 - (this.#header.clusterBits - 8))
    const offset = Number(entry & ((1n << bits) - 1n))
    const sectors = Number((entry & (compressedFlag - 1n)) >> bits) + 1
    if (offset >= this.#fileBytes) throw corrupt()
    const packed = await readAt(this.#file, offset, sectors * 512 - (offset % 512))
    try {
      // Whatever lies behind the cluster in its last sector is not part of it.
      return await inflate(packed, { maxOutputLength: this.#clusterBytes, finishFlush: constants.Z_SYNC_FLUSH })
    } catch {
      throw corrupt()
    }
  }
}

/** Writes the disk as a raw, sparse file; `limitBytes` is the room that there is. */
export async function unpackQcow2(
  packed: string,
  target: string,
  limitBytes: number,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(packed, 'r')
  try {
    const header = await readHeader(file)
    if (header.sizeBytes > limitBytes) throw refuse('the disk in the image is larger than the volume')
    const reader = new Reader(file, (await file.stat()).size, header)
    const out = await open(target, 'wx', 0o640)
    try {
      await out.truncate(header.sizeBytes)
      await copyClusters(reader, header, out, signal)
      await out.datasync()
    } finally {
      await out.close()
    }
  } finally {
    await file.close()
  }
}

async function copyClusters(reader: Reader, header: Header, out: FileHandle, signal: AbortSignal): Promise<void> {
  const clusterBytes = 2 ** header.clusterBits
  const perTable = clusterBytes / 8
  const tables = Math.ceil(header.sizeBytes / (clusterBytes * perTable))
  if (header.l1Size < tables) throw corrupt()
  const l1 = await reader.table(header.l1Offset, tables)
  for (let at = 0; at < tables; at++) {
    const l2Offset = l1.readBigUInt64BE(at * 8) & offsetMask
    if (l2Offset === 0n) continue
    const l2 = await reader.table(l2Offset, perTable)
    for (let index = 0; index < perTable; index++) {
      const from = (at * perTable + index) * clusterBytes
      if (from >= header.sizeBytes) break
      const entry = l2.readBigUInt64BE(index * 8)
      if (entry === 0n) continue
      signal.throwIfAborted()
      const content = await reader.cluster(entry)
      if (content !== undefined) await writeAll(out, content.subarray(0, header.sizeBytes - from), from)
    }
  }
}

async function writeAll(out: FileHandle, content: Buffer, from: number): Promise<void> {
  for (let at = 0; at < content.length; ) {
    at += (await out.write(content, at, content.length - at, from + at)).bytesWritten
  }
}
