import type { Service } from '#store'

interface Seen {
  readonly count: number
  readonly sinceMs: number
}

/**
 * How long hosts have been silent: how long this process has seen their counts of reports stand still, by a clock that
 * nobody can set. The time in a record says nothing of that, for the clock it was taken from may have jumped.
 */
export class Silence {
  readonly #longestGapMs: number
  #seen: ReadonlyMap<number, Seen> = new Map()
  #lookedAtMs = Number.NEGATIVE_INFINITY

  /**
   * `longestGapMs` between two looks. After a longer one this process was itself away, and reports may wait for it: what it
   * has seen before counts no more.
   */
  constructor(longestGapMs: number) {
    this.#longestGapMs = longestGapMs
  }

  /** `atMs`: milliseconds of a monotonic clock. */
  look(services: readonly Service[], atMs: number): void {
    const known = atMs - this.#lookedAtMs > this.#longestGapMs ? new Map<number, Seen>() : this.#seen
    this.#seen = new Map(
      services.map(({ number, reportCount: count }) => {
        const before = known.get(number)
        return [number, before?.count === count ? before : { count, sinceMs: atMs }]
      }),
    )
    this.#lookedAtMs = atMs
  }

  /** At the last look, in milliseconds. */
  of({ number }: Service): number {
    const seen = this.#seen.get(number)
    return seen === undefined ? 0 : this.#lookedAtMs - seen.sinceMs
  }
}
