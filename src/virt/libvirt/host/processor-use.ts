/** What has been counted of a guest's processors at one moment. */
interface Look {
  readonly atMs: number
  /** Nanoseconds that each has run. */
  readonly times: readonly number[]
  readonly uptimeMs: number | null
}

/** Looks that are kept; of guests that are gone the oldest make room. */
const mostLooks = 10_000

/** How busy the processors of guests were between one look and the next; at the first one, since the guest's start. */
export class ProcessorUse {
  readonly #last = new Map<string, Look>()

  /** Percent of each processor; null where there is nothing to compare with. */
  shares(id: string, look: Look): readonly (number | null)[] {
    const before = this.#last.get(id)
    this.#last.delete(id)
    this.#last.set(id, look)
    const oldest = this.#last.size > mostLooks ? this.#last.keys().next().value : undefined
    if (oldest !== undefined) this.#last.delete(oldest)
    return look.times.map((time, i) => {
      const earlier = before?.times[i]
      // Counted less than before: another process, which has begun anew.
      const isSame = before !== undefined && earlier !== undefined && earlier <= time
      const passedMs = isSame ? look.atMs - before.atMs : look.uptimeMs
      if (passedMs === null || passedMs <= 0) return null
      return Math.min(100, Math.round((time - (isSame ? earlier : 0)) / 1e4 / passedMs))
    })
  }
}
