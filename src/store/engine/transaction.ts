import type { IsolationLevel, Kysely, Transaction } from 'kysely'
import { pause } from '#base'
import { DatabaseUnavailable } from './faults.ts'
import { poolOf } from './mysql/dialect.ts'
import { findOutcome, Unfinished } from './mysql/session.ts'

/** Tries of a transaction that others have stopped, or that the database has lost; and the pauses between, at random. */
const tries = 20
const firstPauseMs = 5
const longestPauseMs = 1000

/** SQLite: another process has held the right to write for too long. Nothing was done. */
const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (error.errcode === 5 || error.errcode === 6)

/**
 * One transaction: all of `work`, or nothing of it. Run again when a deadlock, a conflict with another node or a lost
 * connection has undone it, so `work` must have no effect but what it writes; and of a connection that is lost during the
 * commit it is found out what became of it. Not to be nested.
 */
export async function inTransaction<T, R>(
  db: Kysely<T>,
  work: (tx: Transaction<T>) => Promise<R>,
  how: { readonly isolation?: IsolationLevel } = {},
): Promise<R> {
  const pool = poolOf(db)
  for (let tried = 1; ; tried++) {
    let done: { readonly result: R } | undefined
    try {
      const transaction = db.transaction()
      // SQLite knows one isolation, which is the strictest.
      const isolated =
        how.isolation === undefined || pool === undefined ? transaction : transaction.setIsolationLevel(how.isolation)
      return await isolated.execute(async tx => {
        const result = await work(tx)
        done = { result }
        return result
      })
    } catch (error) {
      if (!(error instanceof Unfinished)) {
        if (!isBusy(error) || tried >= tries) throw error
      } else {
        if (error.mark !== undefined && pool !== undefined && done !== undefined) {
          if (await findOutcome(pool, error.mark)) return done.result
        }
        if (tried >= tries) throw DatabaseUnavailable({}, { cause: error.cause, detail: error.message })
        pool?.log?.debug({ err: error.cause, tried }, 'transaction is run again')
      }
    }
    await pause(Math.random() * Math.min(firstPauseMs * 2 ** tried, longestPauseMs))
  }
}

/**
 * Several statements that see the database as it was at one moment. In a transaction of `inTransaction` each statement sees
 * what was committed when it began, which is what whoever decides by it needs, but two of them need not fit together.
 */
export const inSnapshot = <T, R>(db: Kysely<T>, work: (tx: Transaction<T>) => Promise<R>): Promise<R> =>
  inTransaction(db, work, { isolation: 'repeatable read' })
