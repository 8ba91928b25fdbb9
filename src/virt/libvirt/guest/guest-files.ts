import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type InstanceId, instanceId } from '#base'
import { readOwner, writeOwner } from '../secrets/owner-file.ts'

/** Variables of the firmware. */
export const nvramName = 'nvram'

const removedSuffix = '_del'
/** As Nova names it. */
const asideSuffix = '_resize'
const uuid = /^[0-9a-f-]{36}$/i

/** Where the files of guests lie, named as Nova names them. */
export class GuestFiles {
  readonly #folder: string
  readonly #host: string

  /** `host`: whose guests these are, where several hosts share the folder. */
  constructor(instancesPath: string, host: string) {
    this.#folder = instancesPath
    this.#host = host
  }

  get root(): string {
    return this.#folder
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

  kernel(id: string): string {
    return join(this.folderOf(id), 'kernel')
  }

  ramdisk(id: string): string {
    return join(this.folderOf(id), 'ramdisk')
  }

  /** The variables of a guest that boots by UEFI. */
  nvram(id: string): string {
    return join(this.folderOf(id), nvramName)
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

  rescueKernel(id: string): string {
    return join(this.folderOf(id), 'kernel.rescue')
  }

  rescueRamdisk(id: string): string {
    return join(this.folderOf(id), 'ramdisk.rescue')
  }

  /** There as long as the guest is rescued: what it is without. */
  unrescueDefinition(id: string): string {
    return join(this.folderOf(id), 'unrescue.xml')
  }

  /** The definition last: while it is there, a rescue may have left something. */
  async removeRescue(id: string): Promise<void> {
    if (!(await exists(this.unrescueDefinition(id)))) return
    const kernels = [this.rescueKernel(id), this.rescueRamdisk(id)]
    for (const path of [this.rescueDisk(id), this.rescueConfigDrive(id), ...kernels, this.unrescueDefinition(id)])
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
      const isLost = keepsEphemeral ? /^(disk(\.swap)?|kernel|ramdisk)$/ : /^(disk(\.swap|\.eph\d+)?|kernel|ramdisk)$/
      if (isLost.test(name)) await rm(join(folder, name), { force: true })
    }
  }

  /**
   * Says that the guest with these files lives on this host. Hosts may share the folder, and one that was away must not
   * remove the files of a guest that lives elsewhere by now. `from`: whose they were, as long as that may be taken back.
   */
  async own(id: string, from?: string): Promise<void> {
    await writeOwner(this.folderOf(id), { host: this.#host, ...(from === undefined ? {} : { from }) })
  }

  /** Hands the files to another host. */
  async handTo(id: string, host: string): Promise<void> {
    await writeOwner(this.folderOf(id), { host })
  }

  /** Which other host the files are of; undefined: none. */
  async otherOwner(id: string): Promise<string | undefined> {
    const owner = await readOwner(this.folderOf(id))
    return owner === undefined || owner.host === this.#host ? undefined : owner.host
  }

  /** This host has said that they are its own. */
  async isOwn(id: string): Promise<boolean> {
    return (await readOwner(this.folderOf(id)))?.host === this.#host
  }

  /** From whom this host has taken the files over. */
  async takenFrom(id: string): Promise<string | undefined> {
    return (await readOwner(this.folderOf(id)))?.from
  }

  /** Where the guest's files wait while it may still come back from another host or size. */
  asideFolder(id: string): string {
    return `${this.folderOf(id)}${asideSuffix}`
  }

  /** Guests of this host whose files are set aside. */
  async setAside(): Promise<readonly InstanceId[]> {
    const ids: InstanceId[] = []
    for (const name of await readdir(this.#folder)) {
      if (!name.endsWith(asideSuffix)) continue
      const owner = await readOwner(join(this.#folder, name))
      if (owner === undefined || owner.host === this.#host) ids.push(instanceId(name.slice(0, -asideSuffix.length)))
    }
    return ids
  }

  /** Files of another host's guest stay. */
  async removeUnlessElsewhere(id: InstanceId): Promise<void> {
    if ((await this.otherOwner(id)) === undefined) await this.remove(id)
  }

  /** Renames first, so that a crash halfway never leaves a folder that looks like a guest's. */
  remove(id: InstanceId): Promise<void> {
    return removeFolder(this.folderOf(id))
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

/** Renames first, so that a crash halfway never leaves a folder that looks like a guest's. */
export async function removeFolder(folder: string): Promise<void> {
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
