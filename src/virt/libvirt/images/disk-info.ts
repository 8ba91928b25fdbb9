import { readFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fromJson } from '#base'

/*
 * `disk.info` beside a guest's disks, as Nova writes it: which format each has. Written before the disk appears, and never
 * guessed from a disk's content, which the guest can write: a raw disk on which it has put a qcow2 header with the
 * host's /etc/shadow as backing file must stay raw.
 */

export type DiskFormat = 'raw' | 'qcow2'

const infoOf = (disk: string): string => join(dirname(disk), 'disk.info')

function read(path: string): Readonly<Record<string, string>> {
  try {
    return fromJson<Record<string, string>>(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

/** A disk that nothing is written about is an overlay: all were, before there was this file. */
export function formatOfDisk(disk: string): DiskFormat {
  // By the last part alone: the folder may have come from another host.
  const found = Object.entries(read(infoOf(disk))).find(([path]) => basename(path) === basename(disk))
  return found?.[1] === 'raw' ? 'raw' : 'qcow2'
}

export async function recordFormat(disk: string, format: DiskFormat): Promise<void> {
  const path = infoOf(disk)
  const others = Object.entries(read(path)).filter(([known]) => basename(known) !== basename(disk))
  const partial = `${path}.part`
  await writeFile(partial, `${JSON.stringify({ ...Object.fromEntries(others), [disk]: format })}\n`, { mode: 0o644 })
  await rename(partial, path)
}
