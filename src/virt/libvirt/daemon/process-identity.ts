import { readFileSync } from 'node:fs'

/** A process by more than its number, which is given again to others: number, start time, boot. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: string
  readonly bootId: string
}

export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything; fields are counted after its last one. State is field 3, start time 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z') return undefined
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return { pid, startTicks: fields[19] ?? '', bootId }
  } catch {
    return undefined
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid)
  return now !== undefined && now.startTicks === identity.startTicks && now.bootId === identity.bootId
}
