import { type FileHandle, open } from 'node:fs/promises'
import { inspectFixedVhd, inspectVdi, inspectVhd, inspectVhdx, inspectVmdk } from './foreign-formats.ts'
import type { ImageFormat, ImageInspection } from './image-inspection.ts'
import { inspectQcow2 } from './qcow2-inspection.ts'
import { readAt } from './read-at.ts'

interface Magic {
  readonly format: ImageFormat
  readonly offset: number
  readonly bytes: Buffer
}

/** In this order: an ISO image that boots from a stick too has a partition table. */
const magics: readonly Magic[] = [
  { format: 'qcow2', offset: 0, bytes: Buffer.from('QFI\xfb', 'latin1') },
  { format: 'qed', offset: 0, bytes: Buffer.from('QED\0', 'latin1') },
  { format: 'vmdk', offset: 0, bytes: Buffer.from('KDMV') },
  { format: 'vmdk', offset: 0, bytes: Buffer.from('COWD') },
  { format: 'vmdk', offset: 0, bytes: Buffer.from('# Disk DescriptorFile') },
  { format: 'vdi', offset: 0x40, bytes: Buffer.from([0x7f, 0x10, 0xda, 0xbe]) },
  { format: 'vhdx', offset: 0, bytes: Buffer.from('vhdxfile') },
  { format: 'vhd', offset: 0, bytes: Buffer.from('conectix') },
  { format: 'luks', offset: 0, bytes: Buffer.from('LUKS\xba\xbe', 'latin1') },
  { format: 'iso', offset: 0x8001, bytes: Buffer.from('CD001') },
  { format: 'gpt', offset: 512, bytes: Buffer.from('EFI PART') },
]
const headBytes = 0x8001 + 5
const footerBytes = 512

/** What is said to be a VHD and shows none of its magic at the beginning: is it one of fixed size? */
export async function inspectAsFixedVhd(path: string): Promise<ImageInspection | undefined> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const found = inspectFixedVhd(await readAt(file, Math.max(0, size - footerBytes), footerBytes), size)
  return found === undefined ? undefined : { format: 'vhd', ...found }
}

/**
 * Tells what a file is from its content alone. Whatever has no known magic is raw. `vmdkTypes`: the kinds of VMDK that may
 * be used, as their descriptor names them.
 */
export async function inspectImage(path: string, vmdkTypes: readonly string[] = []): Promise<ImageInspection> {
  await using file = await open(path, 'r')
  const { size } = await file.stat()
  const head = await readAt(file, 0, headBytes)
  const format = magics.find(m => head.subarray(m.offset, m.offset + m.bytes.length).equals(m.bytes))?.format ?? 'raw'
  return await inspectAs(format, file, head, size, vmdkTypes)
}

async function inspectAs(
  format: ImageFormat,
  file: FileHandle,
  head: Buffer,
  size: number,
  vmdkTypes: readonly string[],
): Promise<ImageInspection> {
  switch (format) {
    case 'qcow2':
      return inspectQcow2(file, size)
    case 'vmdk':
      return { format, ...(await inspectVmdk(file, head, vmdkTypes)) }
    case 'vdi':
      return { format, ...inspectVdi(head) }
    case 'vhd':
      return { format, ...inspectVhd(head) }
    case 'vhdx':
      return { format, ...(await inspectVhdx(file)) }
    default:
      return { format, virtualBytes: size, unpackedBytes: size, refusal: size === 0 ? 'it is empty' : undefined }
  }
}
