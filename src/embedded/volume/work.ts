import { KeyedQueues, type Log } from '#base'

/**
 * What goes on after the answer: one queue per thing whose content is read or written, so that nothing is deleted while
 * it is copied. Work says itself in the rows what became of it; what it throws is a mistake of ours and is logged.
 */
export class Work {
  readonly #queues = new KeyedQueues<string>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #abort = new AbortController()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Aborted when the service closes. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  start(key: string, what: string, task: () => Promise<void>): void {
    const work = this.#queues
      .run(key, async () => {
        // Left for the next start, which finds it in the rows.
        if (!this.signal.aborted) await task()
      })
      .catch((error: unknown) => this.#log.error({ err: error, key }, `${what} failed`))
      .finally(() => this.#running.delete(work))
    this.#running.add(work)
  }

  /** Ends what takes long and waits for the rest. */
  async close(): Promise<void> {
    this.#abort.abort()
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }
}
