import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromJson } from '#base'

/** Beside the disks of a guest: the host on which it lives. */
export interface Owner {
  readonly host: string
  /** Whose they were, as long as that may be taken back. */
  readonly from?: string
}

const pathIn = (folder: string): string => join(folder, 'host.json')

/** Undefined: nobody has said so, which goes for guests of a host that shares nothing. */
export async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    return fromJson<Owner>(await readFile(pathIn(folder), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export async function writeOwner(folder: string, owner: Owner): Promise<void> {
  const partial = `${pathIn(folder)}.part`
  await writeFile(partial, JSON.stringify(owner), { mode: 0o600 })
  await rename(partial, pathIn(folder))
}
