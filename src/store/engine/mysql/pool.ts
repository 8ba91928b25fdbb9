import { type Clock, type Log, pause, systemClock } from '#base'
import { type MysqlAddress, nameOfDatabase } from '../address.ts'
import { DatabaseUnavailable } from '../faults.ts'
import type { PoolRules, RetryRules } from '../options.ts'
import type { Elsewhere } from './compiler.ts'
import { isServerAway } from './errors.ts'
import { type SessionSettings, Wire } from './wire.ts'

export interface PoolParts {
  readonly address: MysqlAddress
  readonly settings: SessionSettings
  readonly rules: PoolRules
  readonly retry: RetryRules
  readonly elsewhere: Elsewhere | undefined
  readonly log: Log | undefined
  /** Makes the tables that this engine needs itself; before the first connection is used. */
  readonly prepare: (wire: Wire) => Promise<void>
}

/** One that has been quiet for longer may have been cut by a firewall in between: it is asked before it is used. */
const askAfterMs = 5000

/**
 * The connections of one process to one database: at most so many, whoever comes first gets the next, and each is replaced
 * at a certain age.
 *
 * Theory of operation. A `seat` is the right to use one connection, handed out in order of arrival; the connection itself
 * is opened, or taken from those that rest, when its holder first says something. So a database that is away is waited for
 * by those who hold seats, with growing pauses, and by nobody else; the others wait for a seat.
 */
export class Pool {
  readonly retry: RetryRules
  readonly elsewhere: Elsewhere | undefined
  readonly log: Log | undefined
  readonly #parts: PoolParts
  readonly #clock: Clock = systemClock
  readonly #resting: Wire[] = []
  readonly #waiting: { readonly give: () => void }[] = []
  readonly #closing = new AbortController()
  #taken = 0
  #hasConnected = false
  #prepared: Promise<void> | undefined
  #isAway = false

  constructor(parts: PoolParts) {
    this.#parts = parts
    this.retry = parts.retry
    this.elsewhere = parts.elsewhere
    this.log = parts.log
  }

  get name(): string {
    return nameOfDatabase(this.#parts.address)
  }

  async takeSeat(): Promise<void> {
    if (this.#taken < this.#parts.rules.maxOpen) {
      this.#taken++
      return
    }
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#clock.after(this.#parts.rules.waitMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1)
        reject(DatabaseUnavailable({}, { detail: `all ${this.#taken} connections to ${this.name} are in use` }))
      })
      const entry = {
        give: () => {
          cancel()
          resolve()
        },
      }
      this.#waiting.push(entry)
    })
  }

  /** Handed over, not freed, so that nobody can slip in between. */
  leaveSeat(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#taken--
    else next.give()
  }

  /** A connection that works; waits for the database as long as the rules say. For holders of a seat. */
  async connect(): Promise<Wire> {
    const { startTries, startPauseMs, tries, pauseMs, grows, longestPauseMs } = this.retry
    const most = this.#hasConnected ? tries : startTries
    let wait = this.#hasConnected ? pauseMs : startPauseMs
    for (let tried = 1; ; tried++) {
      this.#closing.signal.throwIfAborted()
      try {
        const wire = (await this.#rested()) ?? (await this.#open())
        if (this.#isAway) this.log?.info({ database: this.name }, 'the database answers again')
        this.#isAway = false
        return wire
      } catch (error) {
        if (this.#closing.signal.aborted || !isServerAway(error)) throw error
        if (!this.#isAway) this.log?.warn({ database: this.name, err: error }, 'the database does not answer')
        this.#isAway = true
        if (tried >= most) throw DatabaseUnavailable({}, { cause: error, detail: `${this.name} does not answer` })
        // Not all at the same moment, when it is back.
        await pause(wait * (0.75 + Math.random() / 2), this.#clock, this.#closing.signal)
        if (grows && this.#hasConnected) wait = Math.min(wait * 2, longestPauseMs)
      }
    }
  }

  /** The one that was used last, which is the likeliest to work and has most statements prepared. */
  async #rested(): Promise<Wire | undefined> {
    for (let wire = this.#resting.pop(); wire !== undefined; wire = this.#resting.pop()) {
      const now = this.#clock.now()
      if (wire.isBroken || now - wire.openedMs > this.#parts.rules.recycleMs) {
        void wire.end()
        continue
      }
      if (now - wire.usedMs <= askAfterMs) return wire
      const answers = await wire.say('do 0').then(
        () => true,
        () => false,
      )
      if (answers) return wire
      wire.close()
    }
    return undefined
  }

  async #open(): Promise<Wire> {
    const { address, settings, prepare } = this.#parts
    const wire = await Wire.open(address, settings, this.#clock.now())
    this.#prepared ??= prepare(wire)
    try {
      await this.#prepared
    } catch (error) {
      this.#prepared = undefined
      wire.close()
      throw error
    }
    this.#hasConnected = true
    return wire
  }

  /** For the next one. */
  rest(wire: Wire): void {
    const { maxIdle } = this.#parts.rules
    if (wire.isBroken) wire.close()
    else if (this.#closing.signal.aborted || this.#resting.length >= maxIdle) void wire.end()
    else {
      wire.usedMs = this.#clock.now()
      this.#resting.push(wire)
    }
  }

  /** Those in use end when they are given back. */
  async close(): Promise<void> {
    this.#closing.abort(DatabaseUnavailable({}, { detail: 'this process has closed it' }))
    await Promise.all(this.#resting.splice(0).map(wire => wire.end()))
  }
}
