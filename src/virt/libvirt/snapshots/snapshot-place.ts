import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { InstanceId } from '#base'
import { isOurs, isStale, partial } from '../disks/stale-files.ts'

/**
 * Where snapshots lie until they are read: a folder for each, that carries the guest and the process that takes it, so that
 * the process after a crash finds what it left.
 */
export class SnapshotPlace {
  readonly #path: string

  constructor(path: string) {
    this.#path = resolve(path)
  }

  async make(id: InstanceId): Promise<string> {
    const folder = partial(join(this.#path, id))
    await mkdir(folder, { recursive: true })
    // QEMU, which may run as somebody else, goes through it by name and sees nothing.
    await chmod(folder, 0o701)
    return folder
  }

  remove(folder: string): Promise<void> {
    return rm(folder, { recursive: true, force: true })
  }

  /** Whether a copy of this guest into this folder is one that nobody waits for, when none is under way in this process. */
  isAbandoned(folder: string, id: InstanceId): boolean {
    const name = basename(folder)
    return dirname(folder) === this.#path && name.startsWith(`${id}.`) && (isStale(name) || isOurs(name))
  }

  /** Folders of processes that have died, by guest. */
  async left(): Promise<readonly { readonly id: string; readonly folder: string }[]> {
    const names = await readdir(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return names.filter(isStale).map(name => ({ id: name.slice(0, name.indexOf('.')), folder: join(this.#path, name) }))
  }
}
