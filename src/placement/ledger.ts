import { type Clock, type Log, SerialQueue } from '#base'
import { inSnapshot, inTransaction } from '#store/engine'
import { NameTable } from './engine/dictionary.ts'
import { Snapshot } from './engine/snapshot.ts'
import { advance, advanceFrom, type Mark, markNames, readMark } from './store/changes.ts'
import { readChanges } from './store/load.ts'
import { readNames } from './store/names.ts'
import type { Stamp } from './store/providers.ts'
import type { PlacementDatabase, PlacementTransaction, Reader } from './store/tables.ts'

/** What a write may do, and where it stands. Valid until the write's function returns. */
export interface Write {
  readonly tx: PlacementTransaction
  /** The truth: nobody can change the database before this transaction ends. */
  readonly snapshot: Snapshot
  readonly stamp: Stamp
  /**
   * Says that `apply`, run after the commit, brings the snapshot to where the database then is. Without it (or with
   * undefined) the next reader reads the rows that carry this write's number.
   */
  appliesAs(apply: (() => void) | undefined): void
  /** The write added, renamed or removed a resource class or a trait. */
  namesChanged(): Promise<void>
}

/**
 * Placement's state: the database, and the snapshot of it in memory.
 *
 * Theory of operation. The row `placement_state` counts writes. A write is one transaction whose first statement moves
 * that counter, which takes the row's lock: writers of all processes pass one at a time, each for the few statements
 * of its own. Inside, the snapshot (brought up to date first when the counter was not where this process left it) is
 * exactly what the database holds, so capacity and generations are checked in memory. After the commit the write's
 * own effect is applied to the snapshot, or, when it did not say how, read from the rows that carry its number.
 *
 * Who races: other processes, between our transactions; they move the counter, so the next read or write here notices.
 * Within the process all writes and refreshes run in one queue, and readers use the snapshot without awaiting, so nobody
 * sees it between a commit and its application. A crash before the commit leaves nothing; after it, the database is
 * right and the memory is gone.
 */
export class Ledger {
  readonly db: PlacementDatabase
  readonly #clock: Clock
  readonly #log: Log
  readonly #queue = new SerialQueue()
  readonly #snapshot = new Snapshot()

  constructor(db: PlacementDatabase, clock: Clock, log: Log) {
    this.db = db
    this.#clock = clock
    this.#log = log
  }

  /** The snapshot, up to date now. Use it before the next await. */
  async read(): Promise<Snapshot> {
    const mark = await readMark(this.db)
    if (mark.value !== this.#snapshot.value) await this.#queue.run(() => this.#refresh())
    return this.#snapshot
  }

  async #refresh(): Promise<void> {
    const mark = await readMark(this.db)
    if (mark.value === this.#snapshot.value) return
    await inSnapshot(this.db, async tx => this.#catchUp(tx, await readMark(tx)))
  }

  async #catchUp(db: Reader, mark: Mark): Promise<void> {
    const snapshot = this.#snapshot
    const first = snapshot.value < 0
    if (snapshot.names !== mark.names) {
      snapshot.classes = new NameTable(await readNames(db, 'resource_classes'))
      snapshot.traits = new NameTable(await readNames(db, 'traits'))
      snapshot.names = mark.names
    }
    const changes = await readChanges(db, snapshot.value)
    snapshot.apply(changes)
    snapshot.value = mark.value
    if (first) this.#log.info({ providers: snapshot.size, change: mark.value }, 'placement read its state')
  }

  /** Runs `work` in a transaction of its own, after everybody else's. A fault it throws undoes it. */
  write<T>(work: (write: Write) => Promise<T>): Promise<T> {
    return this.#queue.run(() => this.#write(work))
  }

  async #write<T>(work: (write: Write) => Promise<T>): Promise<T> {
    const snapshot = this.#snapshot
    let apply: (() => void) | undefined
    const { result, change } = await inTransaction(this.db, async tx => {
      apply = undefined
      const change = await this.#enter(tx)
      const write: Write = {
        tx,
        snapshot,
        stamp: { change, nowMs: this.#clock.now() },
        appliesAs: f => {
          apply = f
        },
        namesChanged: () => markNames(tx, change),
      }
      return { result: await work(write), change }
    })
    if (apply !== undefined) {
      apply()
      snapshot.value = change
    }
    return result
  }

  /** Moves the counter and makes the snapshot true; returns this write's number. */
  async #enter(tx: PlacementTransaction): Promise<number> {
    const known = this.#snapshot.value
    if (known >= 0 && (await advanceFrom(tx, known))) return known + 1
    const mark = await advance(tx)
    await this.#catchUp(tx, { value: mark.value - 1, names: mark.names })
    return mark.value
  }
}
