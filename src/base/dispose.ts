/**
 * A stack of things to close, closed in reverse order. Every closer runs even if an earlier one fails; the failures
 * are thrown together at the end.
 */
export class Closers implements AsyncDisposable {
  #closers: (() => unknown)[] = []

  add(close: () => unknown): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    const failures: unknown[] = []
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length === 1) throw failures[0]
    if (failures.length > 1) throw new AggregateError(failures, 'several things could not be closed')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
