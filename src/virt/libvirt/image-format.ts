import { open } from 'node:fs/promises'
import { inspectQcow2 } from './qcow2-inspection.ts'
import { readAt } from './read-at.ts'

export type ImageFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhd' | 'vhdx' | 'iso' | 'luks' | 'qed'

export interface ImageInspection {
  readonly format: ImageFormat
  /** What a guest would see. */
  readonly virtualBytes: number
  /** What the disk takes once it is unpacked to raw: bounds what a small file can blow up to. */
  readonly unpackedBytes: number
  /** Why it must not be used, or undefined. */
  readonly refusal: string | undefined
}

interface Magic {
  readonly format: ImageFormat
  readonly offset: number
  readonly bytes: Buffer
}

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
]
const headBytes = 0x8001 + 5

/** Tells what a file is from its content alone. Whatever has no known magic is raw. */
export async function inspectImage(path: string): Promise<ImageInspection> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const format = detect(await readAt(file, 0, headBytes))
    if (format === 'qcow2') return await inspectQcow2(file, size)
    const refusal = size === 0 ? 'it is empty' : undefined
    return { format, virtualBytes: size, unpackedBytes: size, refusal }
  } finally {
    await file.close()
  }
}

const detect = (head: Buffer): ImageFormat =>
  magics.find(m => head.subarray(m.offset, m.offset + m.bytes.length).equals(m.bytes))?.format ?? 'raw'
