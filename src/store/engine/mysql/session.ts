import type { CompiledQuery, DatabaseConnection, QueryResult, TransactionSettings } from 'kysely'
import { pause, systemClock } from '#base'
import { DatabaseOutcomeUnknown, DatabaseUnavailable } from '../faults.ts'
import { type CommitMark, markCommit, wasCommitted } from './commits.ts'
import { isServerAway, type Trouble, troubleOf } from './errors.ts'
import type { Pool } from './pool.ts'
import type { Reply, Wire } from './wire.ts'

/**
 * A transaction that came to no end of its own making. Run again it may succeed; of one that broke during its commit
 * `mark` finds out first whether it did.
 */
export class Unfinished extends Error {
  readonly trouble: Extract<Trouble, 'lost' | 'conflict'>
  readonly mark: CommitMark | undefined

  constructor(trouble: 'lost' | 'conflict', cause: unknown, mark?: CommitMark) {
    super(`the transaction has to be run again: ${(cause as Error).message}`, { cause })
    this.name = 'Unfinished'
    this.trouble = trouble
    this.mark = mark
  }
}

/** Tries of a statement of its own that another transaction has stopped. */
const conflictTries = 20
const conflictPauseMs = 5

const reads = /^\s*(?:select|show|explain|with)\b/i

/**
 * What kysely takes for a connection: a seat in the pool, and a connection when there is something to say.
 *
 * Outside a transaction a statement that only reads is asked again on another connection when this one breaks. One that
 * writes is not, unless it surely never left: its caller hears that the outcome is unknown. Inside a transaction the first
 * trouble ends the transaction, whatever its code makes of the error, because after a deadlock the server would take further
 * statements for single ones.
 */
export class Session implements DatabaseConnection {
  readonly #pool: Pool
  readonly #clock = systemClock
  #wire: Wire | undefined
  #isInTransaction = false
  #hasWritten = false
  #end: Unfinished | undefined
  /** Set by whoever repeats a migration: what is there already is no error. */
  readonly #mayRepeat: ((error: unknown) => boolean) | undefined
  /** Statements that have changed something. */
  changes = 0

  constructor(pool: Pool, mayRepeat?: (error: unknown) => boolean) {
    this.#pool = pool
    this.#mayRepeat = mayRepeat
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const reply = await (this.#isInTransaction ? this.#within(sql, parameters) : this.#alone(sql, parameters))
    const { affected, insertId } = reply
    return {
      rows: reply.rows as R[],
      ...(affected === undefined ? {} : { numAffectedRows: affected }),
      ...(insertId === undefined ? {} : { insertId }),
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query)
  }

  async begin({ isolationLevel, accessMode }: TransactionSettings): Promise<void> {
    this.#end = undefined
    this.#hasWritten = false
    for (let tried = 1; ; tried++) {
      const wire = await this.#connected()
      try {
        if (isolationLevel !== undefined) await wire.say(`set transaction isolation level ${isolationLevel}`)
        await wire.say(`start transaction${accessMode === undefined ? '' : ` ${accessMode}`}`)
        break
      } catch (error) {
        if (troubleOf(error) !== 'lost' || tried >= this.#pool.retry.tries) throw error
        this.#drop()
      }
    }
    this.#isInTransaction = true
  }

  async commit(): Promise<void> {
    const wire = this.#wire
    if (this.#end !== undefined || wire === undefined) throw this.#end ?? new Error('no transaction to commit')
    let mark: CommitMark | undefined
    try {
      if (this.#hasWritten) mark = await markCommit(wire, this.#clock.now())
      await wire.say('commit')
    } catch (error) {
      const trouble = troubleOf(error)
      // A conflict is found before anything is written; every other answer to a commit tells nothing for sure.
      if (trouble === 'conflict' || mark === undefined)
        this.#end = new Unfinished(trouble === 'conflict' ? 'conflict' : 'lost', error)
      else this.#end = new Unfinished('lost', error, mark)
      throw this.#end
    }
    wire.commits++
    this.#isInTransaction = false
  }

  /** Throws what ended the transaction, should that not have been its own code. */
  async rollback(): Promise<void> {
    this.#isInTransaction = false
    if (this.#wire !== undefined && !this.#wire.isBroken) {
      await this.#wire.say('rollback').catch(() => this.#drop())
    }
    if (this.#end !== undefined) throw this.#end
  }

  release(): void {
    if (this.#wire !== undefined) this.#pool.rest(this.#wire)
    this.#wire = undefined
    this.#pool.leaveSeat()
  }

  async #within(sql: string, values: readonly unknown[]): Promise<Reply> {
    const wire = this.#wire
    if (this.#end !== undefined || wire === undefined) throw this.#end ?? new Error('no transaction')
    try {
      const reply = await wire.run(sql, values)
      if (reply.affected !== undefined) this.#hasWritten = true
      return reply
    } catch (error) {
      const trouble = troubleOf(error)
      if (trouble !== 'lost' && trouble !== 'conflict') throw error
      this.#end = new Unfinished(trouble, error)
      throw this.#end
    }
  }

  async #alone(sql: string, values: readonly unknown[]): Promise<Reply> {
    for (let tried = 1; ; tried++) {
      const wire = await this.#connected()
      try {
        const reply = await wire.run(sql, values)
        if (reply.affected !== undefined) this.changes++
        return reply
      } catch (error) {
        if (this.#mayRepeat?.(error) === true) return { rows: [], affected: 0n, insertId: 0n }
        const trouble = troubleOf(error)
        if (trouble === 'lost') {
          this.#drop()
          const isSafe = reads.test(sql) || (error as { errno?: number }).errno === 1047
          if (!isSafe) throw DatabaseOutcomeUnknown({}, { cause: error, detail: this.#pool.name })
          if (tried >= this.#pool.retry.tries) throw DatabaseUnavailable({}, { cause: error, detail: this.#pool.name })
        } else if (trouble === 'conflict' && tried < conflictTries) {
          await pause(Math.random() * conflictPauseMs * 2 ** Math.min(tried, 8), this.#clock)
        } else throw error
      }
    }
  }

  async #connected(): Promise<Wire> {
    if (this.#wire?.isBroken === true) this.#drop()
    this.#wire ??= await this.#pool.connect()
    return this.#wire
  }

  #drop(): void {
    this.#wire?.close()
    this.#wire = undefined
  }
}

/** Whether the transaction of this mark was committed after all; asks until the database tells. */
export async function findOutcome(pool: Pool, mark: CommitMark): Promise<boolean> {
  for (let tried = 1; ; tried++) {
    await pool.takeSeat()
    let wire: Wire | undefined
    try {
      wire = await pool.connect()
      return await wasCommitted(wire, mark, systemClock.now())
    } catch (error) {
      wire?.close()
      const isNoAnswer = isServerAway(error) || troubleOf(error) !== 'final'
      if (!isNoAnswer || tried >= pool.retry.tries)
        throw DatabaseOutcomeUnknown({}, { cause: error, detail: pool.name })
    } finally {
      if (wire !== undefined) pool.rest(wire)
      pool.leaveSeat()
    }
    await pause(Math.random() * conflictPauseMs * 2 ** Math.min(tried, 8))
  }
}
