import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pause } from '#base'
import { GuestBuildCancelled, GuestDiskFull } from './faults.ts'

/**
 * Who does a piece of work, as text that another process can check: pid and start time, because pids are used again.
 * Returns undefined for a process that is gone.
 */
async function identityOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : `${pid}.${fields[19]}`
  } catch {
    return undefined
  }
}

const isAlive = async (identity: string): Promise<boolean> =>
  (await identityOf(Number.parseInt(identity, 10))) === identity

/** Takes away what killed builds left behind: work folders and locks of processes that are gone. */
export async function removeStaleWork(cacheDir: string): Promise<void> {
  const bench = join(cacheDir, 'work')
  for (const name of await readdir(bench).catch(() => [])) {
    const [key, identity] = name.split('@')
    if (key === undefined || identity === undefined) {
      const owner = await readlink(join(bench, name)).catch(() => undefined)
      if (owner !== undefined && !(await isAlive(owner))) await rm(join(bench, name), { force: true })
    } else if (!(await isAlive(identity.split('-')[0] ?? ''))) {
      await removeFolder(join(bench, name))
    }
  }
}

// An orphan of a killed build may still write for a moment: ENOTEMPTY is tried again.
const removeFolder = (folder: string) => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })

/**
 * Makes `done()` true: runs `work` in a private folder unless somebody (this process, another one, an earlier run)
 * has made the result already. One builder per key and cache; the others wait and look again.
 * `work` publishes by renaming out of its folder, so a half result never has the final name.
 */
export async function makeOnce<T>(
  options: { cacheDir: string; key: string; signal?: AbortSignal | undefined; onWait?: () => void },
  done: () => Promise<T | undefined>,
  work: (folder: string) => Promise<void>,
): Promise<T> {
  const { cacheDir, key, signal } = options
  const ready = await done()
  if (ready !== undefined) return ready
  await withFaults(cacheDir, signal, () => mkdir(join(cacheDir, 'work'), { recursive: true }))
  await removeStaleWork(cacheDir)
  const lock = join(cacheDir, 'work', `${key}.lock`)
  await withFaults(cacheDir, signal, () => takeLock(lock, cacheDir, options))
  try {
    const made = await done()
    if (made !== undefined) return made
    const me = await identityOf(process.pid)
    const folder = join(cacheDir, 'work', `${key}@${me}-${randomBytes(4).toString('hex')}`)
    try {
      await withFaults(cacheDir, signal, async () => {
        await mkdir(folder)
        await work(folder)
      })
    } finally {
      await removeFolder(folder)
    }
  } finally {
    await rm(lock, { force: true })
  }
  const result = await done()
  if (result === undefined) throw new Error(`the work for ${key} ended without a result`)
  return result
}

/** A lock is a symbolic link to its owner's identity: made and filled in one step. */
async function takeLock(
  lock: string,
  cacheDir: string,
  options: { signal?: AbortSignal | undefined; onWait?: () => void },
): Promise<void> {
  const me = (await identityOf(process.pid)) ?? String(process.pid)
  for (let waited = false; ; waited = true) {
    try {
      return await symlink(me, lock)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (!waited) options.onWait?.()
    await pause(200, undefined, options.signal)
    await removeStaleWork(cacheDir)
  }
}

async function withFaults<T>(cacheDir: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (signal?.aborted) throw GuestBuildCancelled({})
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw GuestDiskFull({ folder: cacheDir }, { cause: error })
    throw error
  }
}

/** Gives a finished file or folder its final name, surviving a power cut: contents first, then the name. */
export async function publish(from: string, to: string): Promise<void> {
  const handle = await open(from, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(from, to)
}
