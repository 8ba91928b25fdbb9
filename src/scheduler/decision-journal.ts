import { type Clock, every, type Log } from '#base'
import type { DecisionRecord } from '#model'
import type { Store } from '#store'
import type { SchedulingDecision } from './decision.ts'
import { recordOf } from './decision-record.ts'

export interface DecisionJournalDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** How long a record is kept. */
  readonly keepMs: number
}

/** Decisions of this time go into one transaction: a scheduler that makes thousands a second writes a few times a second. */
const gatherMs = 200
const pruneEveryMs = 10 * 60_000
/** A database that does not take them must not fill our memory. */
const mostWaiting = 5000

/**
 * Writes down what the scheduler decides. No answer waits for it, and a crash may lose the records of the last moment:
 * they explain, nothing is built on them.
 */
export class DecisionJournal {
  readonly #deps: DecisionJournalDeps
  readonly #stopPruning: () => void
  #waiting: DecisionRecord[] = []
  #lost = 0
  #cancel: (() => void) | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(deps: DecisionJournalDeps) {
    this.#deps = deps
    const { clock, log } = deps
    this.#stopPruning = every(
      clock,
      pruneEveryMs,
      () => this.#prune(),
      error => log.error({ err: error }, 'old scheduling decisions could not be removed'),
    )
  }

  readonly add = (decision: SchedulingDecision): void => {
    if (this.#waiting.length >= mostWaiting) {
      this.#lost++
      return
    }
    this.#waiting.push(recordOf(decision))
    this.#cancel ??= this.#deps.clock.after(gatherMs, () => this.#write())
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#stopPruning()
    this.#cancel?.()
    this.#write()
    await this.#writing
  }

  #write(): void {
    this.#cancel = undefined
    const { store, log } = this.#deps
    const records = this.#waiting
    const lost = this.#lost
    this.#waiting = []
    this.#lost = 0
    if (lost > 0) log.warn({ lost }, 'scheduling decisions were not written down: the database is too slow')
    if (records.length === 0) return
    this.#writing = this.#writing
      .then(() => store.transaction(tx => tx.decisions.add(records)))
      .catch(error => log.error({ err: error, lost: records.length }, 'scheduling decisions could not be written down'))
  }

  async #prune(): Promise<void> {
    const { store, clock, keepMs } = this.#deps
    const before = clock.now() - keepMs
    let isMore = true
    while (isMore) isMore = await store.transaction(tx => tx.decisions.prune(before))
  }
}
