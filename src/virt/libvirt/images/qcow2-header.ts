import { type FileHandle, open } from 'node:fs/promises'
import { readAt } from './read-at.ts'

const magic = Buffer.from('QFI\xfb', 'latin1')
const fixedBytes = 32
/** QEMU reads no longer name. */
const maxNameBytes = 1023

export interface Qcow2Header {
  readonly virtualBytes: number
  /** As it stands there: it may be relative to the file's folder. Null: it stands alone. */
  readonly backingFile: string | null
}

/** The two facts of a qcow2 that somebody else than QEMU needs; undefined for a file that is none. */
export async function readQcow2Header(file: FileHandle): Promise<Qcow2Header | undefined> {
  const head = await readAt(file, 0, fixedBytes)
  if (head.length < fixedBytes || !head.subarray(0, magic.length).equals(magic)) return undefined
  const nameOffset = Number(head.readBigUInt64BE(8))
  const nameBytes = Math.min(head.readUInt32BE(16), maxNameBytes)
  const isBacked = nameOffset !== 0 && nameBytes !== 0 && Number.isSafeInteger(nameOffset)
  return {
    virtualBytes: Number(head.readBigUInt64BE(24)),
    backingFile: isBacked ? (await readAt(file, nameOffset, nameBytes)).toString() : null,
  }
}

export async function qcow2HeaderOf(path: string): Promise<Qcow2Header | undefined> {
  await using file = await open(path, 'r')
  return await readQcow2Header(file)
}
