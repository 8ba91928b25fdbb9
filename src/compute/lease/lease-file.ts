import { readFile, rename, writeFile } from 'node:fs/promises'
import { fromJson } from '#base'
import { bootId } from './boot-time.ts'

/** Until when the guests of this host may run, in its boot time; null: for ever. */
export interface StoredLease {
  readonly untilMs: number | null
  /** The guard that looks after it; an older one ends. */
  readonly guardPid: number | null
}

export const noLease: StoredLease = { untilMs: null, guardPid: null }

/**
 * What this boot has written; undefined: nothing, for a lease of an earlier one ended with its guests. A file that cannot be read
 * throws.
 */
export async function readLease(path: string): Promise<StoredLease | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const { boot, ...lease } = fromJson<StoredLease & { readonly boot: string }>(text)
  return boot === bootId() ? lease : undefined
}

/** Whole or not at all. It need not outlive the machine, so it is not forced to its disk. */
export async function writeLease(path: string, lease: StoredLease): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify({ boot: bootId(), ...lease }), { mode: 0o600 })
  await rename(`${path}.new`, path)
}
