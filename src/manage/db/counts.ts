import type { RowCounts } from '#store'

/** Rows by table, of one database or several. */
export class Tally {
  readonly #rows = new Map<string, number>()

  /** `prefix` is the name of the cell where there are several. */
  add(counts: RowCounts, prefix = ''): void {
    for (const [table, rows] of Object.entries(counts)) {
      if (rows === 0) continue
      const name = `${prefix}${table}`
      this.#rows.set(name, (this.#rows.get(name) ?? 0) + rows)
    }
  }

  get isEmpty(): boolean {
    return this.#rows.size === 0
  }

  /** By name. */
  get rows(): readonly (readonly [string, number])[] {
    return [...this.#rows].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  }

  get value(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.rows)
  }
}

export const totalOf = (counts: RowCounts): number => Object.values(counts).reduce((sum, rows) => sum + rows, 0)
