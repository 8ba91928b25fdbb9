import { constants } from 'node:fs'
import { access, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fromJson, type Log } from '#base'

/** What the machine's owner puts into the first hides files of the same name in the second. */
const folders = ['/etc/qemu/vhost-user', '/usr/share/qemu/vhost-user']

interface Descriptor {
  readonly type?: string
  readonly binary?: string
}

const filesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.json')).map(name => join(folder, name))

/** Whether the machine has a program that serves folders to guests (virtiofsd), as libvirt looks for one. */
export async function hasFileServer(log: Log, from: readonly string[] = folders): Promise<boolean> {
  const byName = new Map<string, string>()
  for (const folder of from)
    for (const path of await filesIn(folder)) if (!byName.has(basename(path))) byName.set(basename(path), path)
  for (const path of byName.values()) {
    try {
      const { type, binary } = fromJson<Descriptor>(await readFile(path, 'utf8'))
      if (type !== 'fs' || binary === undefined) continue
      await access(binary, constants.X_OK)
      return true
    } catch (error) {
      log.warn({ path, err: error }, 'description of a file server cannot be used; it is passed over')
    }
  }
  return false
}
