/** Runs one task at a time, in order of arrival. A failing task rejects its own promise only. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** Tasks that are running or waiting. */
  get length(): number {
    return this.#waiting
  }

  run<T>(task: () => Promise<T> | T): Promise<T> {
    this.#waiting++
    const result = this.#tail.then(task).finally(() => {
      this.#waiting--
    })
    this.#tail = result.catch(() => undefined)
    return result
  }
}

/** One SerialQueue per key; a key without work costs nothing. */
export class KeyedQueues<K> {
  readonly #queues = new Map<K, SerialQueue>()

  /** Something runs or waits for this key. */
  isBusy(key: K): boolean {
    return this.#queues.has(key)
  }

  async run<T>(key: K, task: () => Promise<T> | T): Promise<T> {
    const queue = this.#queues.get(key) ?? new SerialQueue()
    this.#queues.set(key, queue)
    try {
      return await queue.run(task)
    } finally {
      if (queue.length === 0) this.#queues.delete(key)
    }
  }
}

/** At most `limit` tasks at a time; the others wait in order. */
export class Limiter {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  async run<T>(task: () => Promise<T> | T): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = this.#waiting.shift()
      // The slot is handed over, not freed, so nobody can slip in between.
      if (next === undefined) this.#free++
      else next()
    }
  }
}
