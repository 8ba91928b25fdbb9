import { open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Clock, Log } from '#base'
import { leaving, settleStale } from '../disks/stale-files.ts'
import { readQcow2Header } from './qcow2-header.ts'

/** `[image_cache]`: what happens to bases that no disk uses. */
export interface CleaningRules {
  readonly removesUnused: boolean
  /** How long one must have been unused: an image as it came, and (of older Novas) a copy in the size of a flavor. */
  readonly originalAgeMs: number
  readonly resizedAgeMs: number
}

export const usualCleaning: CleaningRules = { removesUnused: true, originalAgeMs: 86_400_000, resizedAgeMs: 3_600_000 }

export interface Cleaning {
  readonly cacheFolder: string
  readonly instancesPath: string
  readonly rules: CleaningRules
  readonly clock: Clock
  readonly log: Log
}

/** Names that Nova gives; nothing else in the folder is ours to remove. */
const kinds = [
  { pattern: /^[0-9a-f]{40}$/, age: 'originalAgeMs' },
  { pattern: /^[0-9a-f]{40}_\w+$/, age: 'resizedAgeMs' },
  { pattern: /^(swap_\d+|ephemeral_\d+_\w+)$/, age: 'originalAgeMs' },
] as const

/*
 * Theory of operation. What is in use is read from the disks: every file below instances_path that is a qcow2 names what lies
 * under it, whichever guest it belongs to, also one that is set aside, rescued, or of another host on the same storage.
 * Records and memory do not matter. A file that cannot be read ends the pass, and nothing is removed.
 *
 * The time of a base is that of its last use: it is renewed here as long as a disk uses it, and when it is taken for a new
 * disk. A disk may be made while we look. So a base that is to go is first renamed and the disks are read again: one that
 * has got a user gets its name back, and whoever made a disk meanwhile sees that its base was gone and takes it anew
 * (root-disk.ts). A crash between the two leaves a name from which the next start puts it back.
 */
export async function cleanImages(cleaning: Cleaning): Promise<void> {
  const { cacheFolder, rules, clock, log } = cleaning
  await settleStale(cacheFolder)
  const used = await basesInUse(cleaning)
  const removable: string[] = []
  for (const name of await readdir(cacheFolder)) {
    const kind = kinds.find(({ pattern }) => pattern.test(name))
    if (kind === undefined) continue
    const path = join(cacheFolder, name)
    if (used.has(name)) await touch(path, clock)
    else if (rules.removesUnused && (await ageOf(path, clock)) >= rules[kind.age]) removable.push(path)
  }
  if (removable.length === 0) return
  const renamed = new Map(removable.map(path => [path, leaving(path)]))
  for (const [path, gone] of renamed) await rename(path, gone)
  const usedNow = await basesInUse(cleaning).catch(async (error: unknown) => {
    for (const [path, gone] of renamed) await rename(gone, path)
    throw error
  })
  for (const [path, gone] of renamed) {
    if (usedNow.has(basename(path))) await rename(gone, path)
    else {
      await unlink(gone)
      log.info({ base: basename(path) }, 'cached image removed: no disk uses it')
    }
  }
}

async function touch(path: string, clock: Clock): Promise<void> {
  const now = new Date(clock.now())
  await utimes(path, now, now)
}

const ageOf = async (path: string, clock: Clock): Promise<number> => clock.now() - (await stat(path)).mtimeMs

/** Names of the bases under the disks of this folder. */
async function basesInUse({ cacheFolder, instancesPath }: Cleaning): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  const look = async (folder: string): Promise<void> => {
    for (const name of await readdir(folder).catch(unlessGone([]))) {
      const path = join(folder, name)
      const found = await stat(path).catch(unlessGone(undefined))
      if (found?.isFile() === true) {
        const backing = await backingOf(path)
        if (backing !== null) names.add(basename(backing))
      } else if (found?.isDirectory() === true && folder === instancesPath && path !== cacheFolder) await look(path)
    }
  }
  await look(instancesPath)
  return names
}

/** A guest that goes while we look uses nothing any more. */
function unlessGone<T>(otherwise: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code !== 'ENOENT') throw error
    return otherwise
  }
}

async function backingOf(path: string): Promise<string | null> {
  const file = await open(path, 'r').catch(unlessGone(undefined))
  if (file === undefined) return null
  try {
    return (await readQcow2Header(file))?.backingFile ?? null
  } finally {
    await file.close()
  }
}

/** Blocks of the files in the cache; none that count where the guests' disks lie on another file system. */
export async function usedBytes(cacheFolder: string, instancesPath: string): Promise<number> {
  const [cache, instances] = await Promise.all([stat(cacheFolder), stat(instancesPath)])
  if (cache.dev !== instances.dev) return 0
  let blocks = 0
  for (const name of await readdir(cacheFolder)) {
    const found = await stat(join(cacheFolder, name)).catch(unlessGone(undefined))
    if (found?.isFile() === true) blocks += found.blocks
  }
  return blocks * 512
}
