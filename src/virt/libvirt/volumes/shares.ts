import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { type InstanceId, KeyedQueues } from '#base'
import { ShareMountError, ShareUmountError } from '../../faults.ts'
import type { Shares } from '../../guest-facets.ts'
import type { GuestShare } from '../../guest-spec.ts'
import { programPath } from '../daemon/programs.ts'

/** `[libvirt]` nfs_mount_point_base, nfs_mount_options, ceph_mount_point_base, ceph_mount_options. */
export interface ShareMountOptions {
  readonly nfs: { readonly folder: string; readonly options: readonly string[] }
  readonly ceph: { readonly folder: string; readonly options: readonly string[] }
}

const usersSuffix = '.users'
const run = promisify(execFile)

/** A path alone is a folder of this machine, as the built-in share service has them: there is nothing to mount. */
const isLocal = ({ exportLocation }: GuestShare): boolean => exportLocation.startsWith('/')

const reasonOf = (error: unknown): string => {
  const { stderr, message } = error as { stderr?: string; message: string }
  return (stderr ?? '').trim() || message
}

/**
 * Shares mounted on the host for its guests, each once however many guests have it.
 *
 * Theory of operation. A share is mounted at the MD5 of its export location, as Nova does. Beside the mount point lies a folder
 * with one file per guest that needs it, holding the share's id: written before the mount, removed after the guest's need has
 * ended and, with the last one, after the unmount. So after kill -9 nothing is mounted that no file names, and whoever comes
 * next goes on from there. What is mounted the kernel knows; nothing is remembered here.
 */
export class LibvirtShares implements Shares {
  readonly #options: ShareMountOptions
  readonly #changes = new KeyedQueues<string>()

  constructor(options: ShareMountOptions) {
    this.#options = options
  }

  /** Where the share's files are on this host. */
  pathOf(share: GuestShare): string {
    if (isLocal(share)) return share.exportLocation
    const name = createHash('md5').update(share.exportLocation).digest('hex')
    return join(this.#placeOf(share).folder, name)
  }

  async mount(id: InstanceId, share: GuestShare): Promise<void> {
    const failed = (error: unknown) => ShareMountError({ shareId: share.id, id, reason: reasonOf(error) })
    const path = this.pathOf(share)
    try {
      if (!isLocal(share)) await this.#changes.run(path, () => this.#mount(id, share, path))
      if (!(await stat(path)).isDirectory()) throw new Error(`${path} is no folder`)
    } catch (error) {
      throw failed(error)
    }
  }

  async unmount(id: InstanceId, keptIds: readonly string[]): Promise<void> {
    for (const folder of new Set([this.#options.nfs.folder, this.#options.ceph.folder])) {
      const names = (await readdir(folder).catch(() => [])).filter(name => name.endsWith(usersSuffix))
      for (const name of names) {
        const path = join(folder, name.slice(0, -usersSuffix.length))
        await this.#changes.run(path, () => this.#unmount(id, keptIds, path))
      }
    }
  }

  #placeOf({ protocol }: GuestShare) {
    return protocol === 'CEPHFS' ? this.#options.ceph : this.#options.nfs
  }

  async #mount(id: InstanceId, share: GuestShare, path: string): Promise<void> {
    const users = `${path}${usersSuffix}`
    await mkdir(users, { recursive: true, mode: 0o755 })
    // In one step, so that a crash never leaves a file without a share's name.
    const fresh = join(users, `.${randomBytes(4).toString('hex')}`)
    await writeFile(fresh, share.id)
    await rename(fresh, join(users, id))
    if (await isMounted(path)) return
    try {
      await mkdir(path, { recursive: true, mode: 0o755 })
      await this.#mountNow(share, path)
    } catch (error) {
      await this.#forget(id, path)
      throw error
    }
  }

  /** A key of Ceph goes through a file that nobody else can read, and is gone with the mount. */
  async #mountNow(share: GuestShare, path: string): Promise<void> {
    const { options } = this.#placeOf(share)
    const type = share.protocol === 'CEPHFS' ? 'ceph' : 'nfs'
    const secret = share.user === null ? undefined : `${path}.${randomBytes(4).toString('hex')}.key`
    try {
      if (secret !== undefined) await writeFile(secret, share.user?.key ?? '', { mode: 0o600 })
      const user = secret === undefined ? [] : [`name=${share.user?.name}`, `secretfile=${secret}`]
      const all = [...options, ...user]
      const how = all.length === 0 ? [] : ['-o', all.join(',')]
      await run('mount', ['-t', type, ...how, share.exportLocation, path], environment)
    } finally {
      if (secret !== undefined) await rm(secret, { force: true })
    }
  }

  async #unmount(id: InstanceId, keptIds: readonly string[], path: string): Promise<void> {
    const users = `${path}${usersSuffix}`
    const shareId = await readFile(join(users, id), 'utf8').catch(() => undefined)
    if (shareId !== undefined && keptIds.includes(shareId)) return
    const others = (await readdir(users).catch(() => [])).filter(name => !name.startsWith('.') && name !== id)
    try {
      if (others.length === 0 && (await isMounted(path))) await run('umount', [path], environment)
    } catch (error) {
      throw ShareUmountError({ shareId: shareId ?? basename(path), id, reason: reasonOf(error) })
    }
    await this.#forget(id, path)
  }

  /** The guest needs it no more; with the last guest the folders go too, which must be empty for that. */
  async #forget(id: InstanceId, path: string): Promise<void> {
    const users = `${path}${usersSuffix}`
    await rm(join(users, id), { force: true })
    if ((await readdir(users).catch(() => [])).some(name => !name.startsWith('.'))) return
    if (await isMounted(path)) return
    await rm(users, { recursive: true, force: true })
    await rmdir(path).catch(() => undefined)
  }
}

const environment = { env: { ...process.env, PATH: programPath, LC_ALL: 'C' } }

/** Mount points are written with octal escapes for blanks; ours may lie below a folder that has some. */
async function isMounted(path: string): Promise<boolean> {
  const text = await readFile('/proc/self/mountinfo', 'utf8')
  const escaped = path.replace(/[ \t\n\\]/g, c => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return text.split('\n').some(line => line.split(' ')[4] === escaped)
}
