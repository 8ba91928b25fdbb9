import { type Clock, seconds } from '#base'
import type { Caller } from './port.ts'

export interface TokenCacheOptions {
  readonly clock: Clock
  /** `token_cache_time`; a revoked token is believed this long at most. Negative: nothing is kept. */
  readonly ttlMs: number
  readonly maxEntries?: number
}

/** A guessed token is asked about once in this time. */
const refusedMs = seconds(10)

interface Entry {
  readonly caller: Caller | undefined
  readonly untilMs: number
}

/** Answers of Keystone about tokens, good and bad, the least recently used going first. */
export class TokenCache {
  readonly #entries = new Map<string, Entry>()
  readonly #waiting = new Map<string, Promise<Caller | undefined>>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #maxEntries: number

  constructor(options: TokenCacheOptions) {
    this.#clock = options.clock
    this.#ttlMs = options.ttlMs
    this.#maxEntries = options.maxEntries ?? 10_000
  }

  /** Undefined: Keystone does not take the token. Many who wait for one token cause one question. */
  async get(token: string, ask: () => Promise<Caller | undefined>): Promise<Caller | undefined> {
    const known = this.#entries.get(token)
    if (known !== undefined && known.untilMs > this.#clock.now()) {
      this.#entries.delete(token)
      this.#entries.set(token, known) // most recently used last
      return known.caller
    }
    const waiting = this.#waiting.get(token)
    if (waiting !== undefined) return waiting
    const asked = ask().finally(() => this.#waiting.delete(token))
    this.#waiting.set(token, asked)
    const caller = await asked
    this.#keep(token, caller)
    return caller
  }

  #keep(token: string, caller: Caller | undefined): void {
    const now = this.#clock.now()
    const untilMs = caller === undefined ? now + refusedMs : Math.min(now + this.#ttlMs, caller.expiresAtMs)
    this.#entries.delete(token)
    if (untilMs <= now || this.#ttlMs < 0) return
    if (this.#entries.size >= this.#maxEntries) {
      const oldest = this.#entries.keys().next().value
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#entries.set(token, { caller, untilMs })
  }
}
