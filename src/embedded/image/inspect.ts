import type { FileHandle } from 'node:fs/promises'

const readAt = async (file: FileHandle, offset: number, bytes: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(bytes)
  const { bytesRead } = await file.read(buffer, 0, bytes, offset)
  return buffer.subarray(0, bytesRead)
}

const safe = (size: bigint): number | null => (size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : null)

/**
 * The size of the disk inside an image, from its header; null when the content is not what `diskFormat` says or the
 * format has no such header. Nothing else is judged here: whoever boots the image inspects it in depth.
 */
export async function virtualSizeOf(
  file: FileHandle,
  diskFormat: string | null,
  sizeBytes: number,
): Promise<number | null> {
  if (diskFormat === 'raw') return sizeBytes
  if (diskFormat === 'qcow2') {
    const header = await readAt(file, 0, 32)
    if (header.length < 32 || header.readUInt32BE(0) !== 0x514649fb) return null
    return safe(header.readBigUInt64BE(24))
  }
  if (diskFormat === 'vdi') {
    const header = await readAt(file, 0, 0x178)
    if (header.length < 0x178 || header.readUInt32LE(0x40) !== 0xbeda107f) return null
    return safe(header.readBigUInt64LE(0x170))
  }
  if (diskFormat === 'vhd' && sizeBytes >= 512) {
    const footer = await readAt(file, sizeBytes - 512, 512)
    if (footer.subarray(0, 8).toString('latin1') !== 'conectix') return null
    return safe(footer.readBigUInt64BE(48))
  }
  return null
}
