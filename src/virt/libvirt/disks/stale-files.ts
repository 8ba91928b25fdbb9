import { randomBytes } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { exists } from '../guest/guest-files.ts'

/*
 * Names for what is not finished: they carry the process that works on it, so that whoever comes after its death knows
 * that nobody does any more. Other machines may use the same folder; their processes are not to be seen from here, so each
 * machine settles its own.
 */

/** A process before us may have had our number. */
const ours = new Set<string>()

function mark(): string {
  const made = `${process.pid}-${randomBytes(4).toString('hex')}`
  ours.add(made)
  return `${hostname()}-${made}`
}

/** On its way to be `path`. */
export const partial = (path: string): string => `${path}.part-${mark()}`
/** On its way out, unless somebody turns out to need it. */
export const leaving = (path: string): string => `${path}.unused-${mark()}`

const unfinished = /^(.+)\.(part|unused)-(?:(.+)-)?((\d+)-[0-9a-f]+)$/

/** Of a process that has died. */
export function isStale(name: string): boolean {
  const [, , , host = hostname(), made, owner] = unfinished.exec(name) ?? []
  if (made === undefined || host !== hostname()) return false
  return Number(owner) === process.pid ? !ours.has(made) : !isRunning(Number(owner))
}

/** Made by this process. */
export const isOurs = (name: string): boolean => ours.has(unfinished.exec(name)?.[4] ?? '')

/** Removes what processes that have died were making in a folder, and puts back what they were about to remove. */
export async function settleStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, original, kind] = unfinished.exec(name) ?? []
    if (original === undefined || !isStale(name)) continue
    const path = join(folder, name)
    if (kind === 'unused' && !(await exists(join(folder, original)))) await rename(path, join(folder, original))
    else await rm(path, { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
