import { type Clock, every, type Log } from '#base'
import type { Fencing } from '#virt'
import { enforceLease } from './enforce.ts'
import { noLease, type StoredLease } from './lease-file.ts'

/** Between two looks whether it is still needed. */
const lookMs = 2_000

export interface GuardProcess {
  readonly file: string
  readonly fencing: Fencing
  readonly clock: Clock
  readonly log: Log
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/**
 * What `nova-compute-guard` does, in a process of its own, from its start to its end: answers the nova-compute that started it,
 * and kills the guests of a host without a lease, whether that still lives or not. Ends when another guard has taken its place, or
 * when its nova-compute is gone and has left no lease.
 */
export async function guardGuests({ file, fencing, clock, log }: GuardProcess): Promise<void> {
  const ended = Promise.withResolvers<void>()
  let lease: StoredLease = noLease
  const stopEnforcing = enforceLease({ file, fencing, clock, log, onRead: read => (lease = read) })
  // Between two leases there is none for a moment: only what lasts from one look to the next is the end.
  let wasUnneeded = false
  const stopLooking = every(
    clock,
    lookMs,
    () => {
      const { guardPid, untilMs } = lease
      const isReplaced = guardPid !== null && guardPid !== process.pid && runs(guardPid)
      const isUnneeded = isReplaced || (untilMs === null && !process.connected)
      if (isUnneeded && wasUnneeded) ended.resolve()
      wasUnneeded = isUnneeded
    },
    () => undefined,
  )
  process.on('message', () => process.send?.('here'))
  await ended.promise
  stopLooking()
  stopEnforcing()
}
