import { upsert } from '../../engine/index.ts'
import type { Db } from '../../tables.ts'

export interface Sizes {
  readonly ram: readonly number[]
  readonly disk: readonly number[]
}

/** After this time without being asked for, a size is nobody's any more. */
const keptMs = 86_400_000

/** Sizes of flavors that only cells above this one have. */
export class FlavorSizes {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async list(nowMs: number): Promise<Sizes> {
    const rows = await this.#db
      .selectFrom('cell_sizes')
      .selectAll()
      .where('told_at', '>', nowMs - keptMs)
      .execute()
    const of = (kind: keyof Sizes) => rows.filter(row => row.kind === kind).map(row => Number(row.size_mb))
    return { ram: of('ram'), disk: of('disk') }
  }

  async keep(sizes: Sizes, nowMs: number): Promise<void> {
    for (const kind of ['ram', 'disk'] as const) {
      for (const size_mb of sizes[kind])
        await upsert(this.#db, 'cell_sizes', { kind, size_mb, told_at: nowMs }, ['kind', 'size_mb'])
    }
    await this.#db
      .deleteFrom('cell_sizes')
      .where('told_at', '<=', nowMs - keptMs)
      .execute()
  }
}
