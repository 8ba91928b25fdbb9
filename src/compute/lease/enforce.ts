import { type Clock, every, type Log } from '#base'
import type { Fencing } from '#virt'
import { bootTimeMs } from './boot-time.ts'
import { noLease, readLease, type StoredLease } from './lease-file.ts'

/** Between two looks at the lease. */
const lookMs = 500

export interface Enforcement {
  readonly file: string
  readonly fencing: Fencing
  readonly clock: Clock
  readonly log: Log
  readonly nowMs?: () => number
  /** Whoever writes the file knows it before. */
  readonly isKnownOver?: () => boolean
  /** With each reading. */
  readonly onRead?: (lease: StoredLease) => void
}

/**
 * Kills the guests whenever the lease in the file has run out, and again as long as it is not renewed. The file is read
 * beside it: a disk that hangs leaves what was known, and that runs out. Returns what stops it.
 */
export function enforceLease({
  file,
  fencing,
  clock,
  log,
  nowMs = bootTimeMs,
  isKnownOver,
  onRead,
}: Enforcement): () => void {
  let lease: StoredLease = noLease
  let isReading = false
  let wasOver = false
  const read = async () => {
    if (isReading) return
    isReading = true
    try {
      // A file that somebody took away ends no lease.
      lease = (await readLease(file)) ?? lease
      onRead?.(lease)
    } catch (error) {
      log.error({ err: error }, 'the lease of this host cannot be read; its guests run until the last one known ends')
    } finally {
      isReading = false
    }
  }
  const look = async () => {
    void read()
    const isOver = isKnownOver?.() === true || (lease.untilMs !== null && nowMs() >= lease.untilMs)
    if (isOver && !wasOver) log.error('no conductor has granted this host a lease in time; killing its guests')
    wasOver = isOver
    if (!isOver) return
    const killed = await fencing.killAll()
    if (killed > 0) log.error({ killed }, 'killed guests of a host without a lease')
  }
  void read()
  return every(clock, lookMs, look, error => log.error({ err: error }, 'guests could not be killed; trying again'))
}
