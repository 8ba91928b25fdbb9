import { inTransaction, needsTurns, takeTurns } from './engine/index.ts'
import type { Db } from './tables.ts'

/**
 * Turns in another database than that of the transaction which takes them: in a transaction there, which writes nothing else
 * and stays open until `end`. A file of SQLite has one connection, which a transaction would block for all others; cells in
 * files are for trying them out, and resizes that two of them accept in the same moment may exceed a quota together.
 */
export class HeldTurns {
  readonly #db: Db
  readonly #taken = new Set<string>()
  readonly #letGo = Promise.withResolvers<void>()
  #tx: Promise<Db> | undefined
  #held: Promise<void> | undefined

  constructor(db: Db) {
    this.#db = db
  }

  async take(names: readonly string[]): Promise<void> {
    const fresh = names.filter(name => !this.#taken.has(name))
    if (fresh.length === 0 || !needsTurns(this.#db)) return
    await takeTurns(await this.#open(), fresh)
    for (const name of fresh) this.#taken.add(name)
  }

  /** Whoever waited for them goes on. Call it when the transaction that needed them has ended, however it did. */
  async end(): Promise<void> {
    this.#letGo.resolve()
    // What became of it changes nothing: it has written nothing that anybody reads.
    await this.#held?.catch(() => undefined)
  }

  #open(): Promise<Db> {
    if (this.#tx !== undefined) return this.#tx
    const opened = Promise.withResolvers<Db>()
    this.#tx = opened.promise
    this.#held = inTransaction(this.#db, async tx => {
      opened.resolve(tx)
      await this.#letGo.promise
    })
    this.#held.catch(opened.reject)
    return this.#tx
  }
}
