import type { FileHandle } from 'node:fs/promises'
import type { ImageInspection } from './image-inspection.ts'
import { readAt } from './read-at.ts'

/*
 * Disks of other hypervisors, as far as they must be known before qemu-img may unpack them: how large they are, and that
 * all of their data lies in the file itself. Each of these formats has a kind that names other files.
 */

type Found = Omit<ImageInspection, 'format'>

/** Nothing says how much of it is data, so that it may be all. */
const whole = (bytes: bigint): Found => {
  if (bytes === 0n) return refused('its virtual size is zero')
  if (bytes > 2n ** 53n) return refused('its virtual size is out of range')
  return { virtualBytes: Number(bytes), unpackedBytes: Number(bytes), refusal: undefined }
}
const refused = (refusal: string): Found => ({ virtualBytes: 0, unpackedBytes: 0, refusal })

const sectorBytes = 512
/** As in QEMU. */
const maxDescriptorBytes = 2 ** 20 - 1

/** Sparse extent with its descriptor within, which says what kind it is. */
export async function inspectVmdk(file: FileHandle, head: Buffer, types: readonly string[]): Promise<Found> {
  if (head.subarray(0, 4).toString('latin1') !== 'KDMV') return refused('this kind of VMDK is not accepted')
  if (head.length < sectorBytes) return refused('its VMDK header is cut off')
  const at = Number(head.readBigUInt64LE(28)) * sectorBytes
  const bytes = Number(head.readBigUInt64LE(36)) * sectorBytes
  if (at !== sectorBytes || bytes === 0 || bytes > maxDescriptorBytes)
    return refused('its VMDK descriptor is not where it belongs')
  const text = (await readAt(file, at, bytes)).toString('latin1').replace(/\0.*$/s, '')
  const type = /^createType\s*=\s*"([^"]*)"\s*$/m.exec(text)?.[1]
  if (type === undefined || !types.includes(type)) return refused('Invalid VMDK create-type specified')
  const extents = text.split('\n').filter(line => /^\s*(RW|RDONLY|NOACCESS)\s/.test(line))
  if (extents.length !== 1 || !/^RW \d+ SPARSE "[^"/]*"\s*$/.test(extents[0] ?? ''))
    return refused('its VMDK descriptor names other files')
  if (!/^parentCID\s*=\s*ffffffff\s*$/im.test(text)) return refused('it has a parent')
  return whole(head.readBigUInt64LE(12) * BigInt(sectorBytes))
}

const vdi = { type: 0x4c, diskSize: 0x170, dynamic: 1, fixed: 2 }

export function inspectVdi(head: Buffer): Found {
  if (head.length < sectorBytes) return refused('its VDI header is cut off')
  const type = head.readUInt32LE(vdi.type)
  if (type !== vdi.dynamic && type !== vdi.fixed) return refused('it has a parent')
  return whole(head.readBigUInt64LE(vdi.diskSize))
}

const vhd = { size: 48, type: 60, fixed: 2, dynamic: 3 }

export function inspectVhd(head: Buffer): Found {
  if (head.length < sectorBytes) return refused('its VHD header is cut off')
  const type = head.readUInt32BE(vhd.type)
  if (type !== vhd.fixed && type !== vhd.dynamic) return refused('it has a parent')
  return whole(head.readBigUInt64BE(vhd.size))
}

/** At which the features, the version and the checksum of a footer lie. */
const footer = { bytes: 512, version: 12, checksum: 64, expected: 0x1_0000 }

/**
 * A disk of fixed size: a raw one with a footer behind it, and nothing before it. Any guest can write such a footer at the
 * end of a raw disk of its own, so this is asked only of what is said to be a VHD. Undefined: it is none.
 */
export function inspectFixedVhd(tail: Buffer, fileBytes: number): Found | undefined {
  if (tail.length < footer.bytes || tail.subarray(0, 8).toString('latin1') !== 'conectix') return undefined
  if (tail.readUInt32BE(vhd.type) !== vhd.fixed)
    return refused('it has no header, and its footer is not that of a fixed disk')
  if (tail.readUInt32BE(footer.version) !== footer.expected) return refused('the version of its VHD footer is unknown')
  if (checksumOf(tail) !== tail.readUInt32BE(footer.checksum)) return refused('its VHD footer is damaged')
  const found = whole(tail.readBigUInt64BE(vhd.size))
  return found.virtualBytes > fileBytes - footer.bytes ? refused('it is shorter than its VHD footer says') : found
}

/** The complement of the sum of all bytes but its own. */
function checksumOf(tail: Buffer): number {
  let sum = 0
  for (let at = 0; at < footer.bytes; at++) if (at < footer.checksum || at >= footer.checksum + 4) sum += tail[at] ?? 0
  return ~sum >>> 0
}

const regionTable = { at: 192 * 1024, entries: 16, entryBytes: 32, most: 2047 }
const metadata = { entries: 32, entryBytes: 32, most: 2047 }
/** As they lie in the file: the first three parts little-endian. */
const guids = {
  metadata: '06a27c8b90479a4bb8fe575f050f886e',
  diskSize: '2442a52f1bcd7648b2115dbed83bf4b8',
  fileParameters: '3767a1ca36fa434db3b633f0aa44e76b',
}
const hasParent = 2

export async function inspectVhdx(file: FileHandle): Promise<Found> {
  const { at, entries, entryBytes, most } = regionTable
  const regions = await readAt(file, at, entries + most * entryBytes)
  if (regions.subarray(0, 4).toString('latin1') !== 'regi') return refused('its VHDX region table is missing')
  const region = entryOf(regions, entries, entryBytes, Math.min(regions.readUInt32LE(8), most), guids.metadata)
  if (region === undefined) return refused('its VHDX metadata is missing')
  const begin = Number(region.readBigUInt64LE(16))
  const table = await readAt(file, begin, metadata.entries + metadata.most * metadata.entryBytes)
  if (table.subarray(0, 8).toString('latin1') !== 'metadata') return refused('its VHDX metadata is missing')
  const item = async (guid: string, bytes: number): Promise<Buffer> => {
    const count = Math.min(table.readUInt16LE(10), metadata.most)
    const entry = entryOf(table, metadata.entries, metadata.entryBytes, count, guid)
    return entry === undefined ? Buffer.alloc(0) : await readAt(file, begin + entry.readUInt32LE(16), bytes)
  }
  const [size, parameters] = [await item(guids.diskSize, 8), await item(guids.fileParameters, 8)]
  if (size.length < 8 || parameters.length < 8) return refused('its VHDX metadata is incomplete')
  if ((parameters.readUInt32LE(4) & hasParent) !== 0) return refused('it has a parent')
  return whole(size.readBigUInt64LE(0))
}

/** The entry that begins with this GUID, whole. */
function entryOf(table: Buffer, first: number, bytes: number, count: number, guid: string): Buffer | undefined {
  for (let i = 0; i < count; i++) {
    const entry = table.subarray(first + i * bytes, first + (i + 1) * bytes)
    if (entry.length < bytes) return undefined
    if (entry.subarray(0, 16).toString('hex') === guid) return entry
  }
  return undefined
}
