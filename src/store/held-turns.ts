import { inTransaction, needsTurns, takeTurns } from './engine/index.ts'
import type { Db } from './tables.ts'

/** The last in this process who has a turn or waits for it, by its name. */
const tails = new Map<string, Promise<void>>()

/** Returns when all in this process who came before have let go; others wait until `end`. */
async function queueUp(name: string, end: Promise<void>): Promise<void> {
  const before = tails.get(name)
  const own = Promise.all([before, end]).then(() => undefined)
  tails.set(name, own)
  void own.then(() => {
    if (tails.get(name) === own) tails.delete(name)
  })
  await before
}

/**
 * Turns that are held longer than the transaction which needs them, or in another database: first among those in this process,
 * then in a transaction there, which writes nothing else and stays open until `end`. An SQLite file has one connection and no
 * rows that could be locked one by one: there it is this process alone.
 */
export class HeldTurns {
  readonly #db: Db
  readonly #queued = new Set<string>()
  readonly #taken = new Set<string>()
  readonly #letGo = Promise.withResolvers<void>()
  #tx: Promise<Db> | undefined
  #held: Promise<void> | undefined

  constructor(db: Db) {
    this.#db = db
  }

  async take(names: readonly string[]): Promise<void> {
    const fresh = names.filter(name => !this.#taken.has(name))
    if (fresh.length === 0) return
    for (const name of fresh.filter(one => !this.#queued.has(one)).toSorted()) {
      this.#queued.add(name)
      await queueUp(name, this.#letGo.promise)
    }
    if (needsTurns(this.#db)) await takeTurns(await this.#open(), fresh)
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
