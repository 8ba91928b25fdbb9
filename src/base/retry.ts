import { type Clock, systemClock } from './clock.ts'
import { Fault } from './faults.ts'

export interface RetryOptions {
  readonly attempts: number
  /** First pause; doubles up to `maxDelayMs`, with up to half of it as jitter. */
  readonly delayMs: number
  readonly maxDelayMs?: number
  readonly when?: (error: unknown) => boolean
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

export const isTransient = (error: unknown): boolean => error instanceof Fault && error.kind === 'transient'

export const pause = (ms: number, clock: Clock = systemClock, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error)
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    const onAbort = () => {
      cancel()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })

/** What the promise gives, or undefined when it takes longer; it is not stopped then, and may fail unheard. */
export function within<T>(ms: number, promise: Promise<T>, clock: Clock = systemClock): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(undefined))
    promise.then(resolve, reject).finally(cancel)
  })
}

/** Runs `work` again after a failure that `when` accepts (default: transient faults), with growing pauses. */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const when = options.when ?? isTransient
  let delay = options.delayMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (attempt >= options.attempts || !when(error)) throw error
      await pause(delay * (1 + Math.random() / 2), options.clock, options.signal)
      delay = Math.min(delay * 2, options.maxDelayMs ?? 30_000)
    }
  }
}
