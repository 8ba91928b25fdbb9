import { link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newUuid } from '#base'

/*
 * Whether two hosts see one folder of guests. The folder has an id of its own, made once; and a file of the guest must be
 * the same one on both sides, by its number in the file system: a folder that was copied with its id is another one.
 */

export interface StorageIdentity {
  readonly id: string
  /** Numbers of the guest's files by their names. */
  readonly inodes: Readonly<Record<string, number>>
}

export async function storageId(root: string): Promise<string> {
  const path = join(root, '.storage-id')
  const known = () => readFile(path, 'utf8').catch(absent)
  const found = await known()
  if (found !== undefined) return found
  const mine = `${path}.${newUuid()}`
  await writeFile(mine, newUuid(), { mode: 0o644 })
  // Linked, not written in place: of two hosts that come first at once both take the same id.
  await link(mine, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(mine, { force: true })
  return (await known()) ?? ''
}

const inodeOf = async (path: string): Promise<number | undefined> => (await stat(path).catch(absent))?.ino

export async function identityOfFiles(
  root: string,
  folder: string,
  names: readonly string[],
): Promise<StorageIdentity> {
  const inodes: Record<string, number> = {}
  for (const name of names) {
    const inode = await inodeOf(join(folder, name))
    if (inode !== undefined) inodes[name] = inode
  }
  return { id: await storageId(root), inodes }
}

/** True when every one of these files is also here, in the folder of that name. */
export async function isSharedWith({ id, inodes }: StorageIdentity, root: string, folder: string): Promise<boolean> {
  if ((await storageId(root)) !== id) return false
  for (const [name, inode] of Object.entries(inodes)) if ((await inodeOf(join(folder, name))) !== inode) return false
  return Object.keys(inodes).length > 0
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
