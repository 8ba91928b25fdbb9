import { type Clock, systemClock } from './clock.ts'
import { pause } from './retry.ts'

/**
 * Polls until `probe` gives a value that is not undefined, and returns it.
 * After `deadlineMs` it throws an Error that says what was waited for.
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | undefined> | T | undefined,
  options: { deadlineMs: number; everyMs?: number; clock?: Clock; signal?: AbortSignal },
): Promise<T> {
  const clock = options.clock ?? systemClock
  const end = clock.now() + options.deadlineMs
  for (;;) {
    const value = await probe()
    if (value !== undefined) return value
    if (clock.now() >= end) throw new Error(`gave up waiting for ${what} after ${options.deadlineMs} ms`)
    await pause(options.everyMs ?? 20, clock, options.signal)
  }
}
