import type { Clock } from '#base'
import { inTransaction, takeTurns } from '#store/engine'
import type { Db } from '../store/open.ts'

/** What a unit of work changed and the host must follow. */
export interface Touched {
  readonly networks: Set<string>
  readonly ports: Set<string>
  readonly groups: Set<string>
  /** Servers whose addresses are others now, by device id: whoever keeps a record of them is told. */
  readonly servers: Set<string>
}

/** One transaction: the database as it sees it, its time, and what it touches. */
export interface Unit {
  readonly db: Db
  readonly nowMs: number
  readonly touched: Touched
}

export const nothingTouched = (): Touched => ({
  networks: new Set(),
  ports: new Set(),
  groups: new Set(),
  servers: new Set(),
})

export interface Work {
  /**
   * All or nothing, and one at a time in all processes, so that what a unit reads is true until its end. The host is brought
   * in line before this returns (a failure there is logged, and repaired later).
   */
  run<T>(work: (unit: Unit) => Promise<T>): Promise<T>
}

export interface Following {
  /** The last thing in the transaction: what the service itself changes because of the rest. */
  settle(unit: Unit): Promise<void>
  /** After it. */
  follow(touched: Touched): Promise<void>
}

export function createWork(db: Db, clock: Clock, { settle, follow }: Following): Work {
  return {
    async run(work) {
      const { result, touched } = await inTransaction(db, async tx => {
        await takeTurns(tx, ['network'])
        const unit = { db: tx, nowMs: clock.now(), touched: nothingTouched() }
        const made = await work(unit)
        await settle(unit)
        return { result: made, touched: unit.touched }
      })
      await follow(touched)
      return result
    },
  }
}

export const stamp = (unit: Unit) => ({ revision: 0, createdAtMs: unit.nowMs, updatedAtMs: unit.nowMs })
