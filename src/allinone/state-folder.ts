import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { declareFault, fromJson } from '#base'

export const StateInUse = declareFault(
  'StateInUse',
  'refused',
  (p: { folder: string; pid: number }) =>
    `Another cloud (process ${p.pid}) runs on ${p.folder}. Stop it, or choose another folder with --state DIR and other ports with --offset N.`,
)

export interface Secrets {
  readonly adminPassword: string
  readonly servicePassword: string
}

/** Start time of a process in clock ticks, which a reused pid does not share; undefined when it is gone. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie holds nothing any more; some first processes of containers reap slowly.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/**
 * Makes the folder and takes it for this process. The lock names pid and start time, so a lock left by kill -9 is
 * recognised and taken over.
 */
export function takeStateFolder(folder: string): { release(): void } {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'lock')
  const mine = JSON.stringify({ pid: process.pid, start: startOf(process.pid) })
  for (;;) {
    try {
      const file = openSync(path, 'wx', 0o600)
      writeFileSync(file, mine)
      closeSync(file)
      return { release: () => rmSync(path, { force: true }) }
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    }
    const holder = readLock(path)
    if (holder !== undefined && startOf(holder.pid) === holder.start) throw StateInUse({ folder, pid: holder.pid })
    renameSync(path, `${path}.stale`)
  }
}

function readLock(path: string): { pid: number; start: string } | undefined {
  try {
    return fromJson(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** The folder's own passwords: random, made once, readable by the owner alone. */
export function readSecrets(folder: string): Secrets {
  const path = join(folder, 'secrets.json')
  if (existsSync(path)) return fromJson(readFileSync(path, 'utf8'))
  const secrets = {
    adminPassword: randomBytes(12).toString('base64url'),
    servicePassword: randomBytes(24).toString('base64url'),
  }
  writeFileSync(`${path}.new`, JSON.stringify(secrets), { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return secrets
}
