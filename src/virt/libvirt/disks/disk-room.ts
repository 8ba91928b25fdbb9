import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MiB } from '#base'
import { DiskFull } from '../../faults.ts'

/** Left free beside what is written: a file system filled to the brim stops the running guests. */
const reserveBytes = 64 * MiB

/** Refuses what the file system cannot hold before it is begun. */
export async function mustHaveRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (neededBytes + reserveBytes > bavail * bsize) throw DiskFull({ path: folder, neededBytes })
}

export const isNoSpace = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

/** The fault of a write to a file that failed for want of room; other errors as they are. */
export const fullOr = (error: unknown, path: string, neededBytes: number): unknown =>
  isNoSpace(error) ? DiskFull({ path: dirname(path), neededBytes }) : error
