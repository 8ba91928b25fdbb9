import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type InstanceId, instanceId } from '#base'

const removedSuffix = '_del'
const uuid = /^[0-9a-f-]{36}$/i

/** Where the files of guests lie, named as Nova names them. */
export class GuestFiles {
  readonly #folder: string

  constructor(instancesPath: string) {
    this.#folder = instancesPath
  }

  folderOf(id: string): string {
    // An id is a path component: nothing but a uuid may become one.
    if (!uuid.test(id)) throw new TypeError(`not an instance id: ${id}`)
    return join(this.#folder, id)
  }

  disk(id: string): string {
    return join(this.folderOf(id), 'disk')
  }

  /** The first one is 0. */
  ephemeral(id: string, index: number): string {
    return join(this.folderOf(id), `disk.eph${index}`)
  }

  swap(id: string): string {
    return join(this.folderOf(id), 'disk.swap')
  }

  configDrive(id: string): string {
    return join(this.folderOf(id), 'disk.config')
  }

  consoleLog(id: string): string {
    return join(this.folderOf(id), 'console.log')
  }

  /** The variables of a guest that boots by UEFI. */
  nvram(id: string): string {
    return join(this.folderOf(id), 'nvram')
  }

  /** Written at each start; its time is the time of the start. */
  definition(id: string): string {
    return join(this.folderOf(id), 'libvirt.xml')
  }

  /** There as long as the guest's file systems may be frozen, for whoever comes after a crash. */
  freezeMark(id: string): string {
    return join(this.folderOf(id), 'frozen')
  }

  /** Of guests; other folders lie beside them. */
  async ids(): Promise<readonly InstanceId[]> {
    return (await readdir(this.#folder)).filter(name => uuid.test(name)).map(name => instanceId(name))
  }

  rescueDisk(id: string): string {
    return join(this.folderOf(id), 'disk.rescue')
  }

  rescueConfigDrive(id: string): string {
    return join(this.folderOf(id), 'disk.config.rescue')
  }

  /** There as long as the guest is rescued: what it is without. */
  unrescueDefinition(id: string): string {
    return join(this.folderOf(id), 'unrescue.xml')
  }

  /** The definition last: while it is there, a rescue may have left something. */
  async removeRescue(id: string): Promise<void> {
    if (!(await exists(this.unrescueDefinition(id)))) return
    for (const path of [this.rescueDisk(id), this.rescueConfigDrive(id), this.unrescueDefinition(id)])
      await rm(path, { force: true })
  }

  async make(id: InstanceId): Promise<void> {
    await mkdir(this.folderOf(id), { recursive: true, mode: 0o755 })
  }

  hasDisk(id: InstanceId): Promise<boolean> {
    return exists(this.disk(id))
  }

  hasConfigDrive(id: InstanceId): Promise<boolean> {
    return exists(this.configDrive(id))
  }

  /** All that the guest wrote to, and not what else lies in its folder. */
  async removeDisks(id: string, keepsEphemeral: boolean): Promise<void> {
    const folder = this.folderOf(id)
    for (const name of (await exists(folder)) ? await readdir(folder) : []) {
      const isLost = keepsEphemeral ? /^disk(\.swap)?$/ : /^disk(\.swap|\.eph\d+)?$/
      if (isLost.test(name)) await rm(join(folder, name), { force: true })
    }
  }

  /** Renames first, so that a crash halfway never leaves a folder that looks like a guest's. */
  async remove(id: InstanceId): Promise<void> {
    const folder = this.folderOf(id)
    const removed = `${folder}${removedSuffix}`
    await rm(removed, { recursive: true, force: true })
    try {
      await rename(folder, removed)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    await rm(removed, { recursive: true, force: true })
  }

  /** What a crash left between rename and removal. */
  async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith(removedSuffix)) await rm(join(this.#folder, name), { recursive: true, force: true })
    }
  }
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
