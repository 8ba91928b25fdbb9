import type { Clock } from '#base'
import type { Names, Target } from './names.ts'
import type { Session } from './session.ts'

/** How long it is believed that somebody serves. One who dies meanwhile is noticed by the broker. */
const believedMs = 5_000

/** Who is known to serve, over one connection: what nobody serves is not even sent. */
export class Presence {
  readonly #session: Session
  readonly #names: Names
  readonly #clock: Clock
  readonly #seenAtMs = new Map<string, number>()

  constructor(session: Session, names: Names, clock: Clock) {
    this.#session = session
    this.#names = names
    this.#clock = clock
  }

  /** The server of this queue has just been heard of. */
  seen(queue: string): void {
    this.#seenAtMs.set(queue, this.#clock.now())
  }

  /** It may have come back, or gone. */
  forget(queue: string): void {
    this.#seenAtMs.delete(queue)
  }

  /** `waits`: a server that is not there is expected to come. */
  async isServed({ contract: { topic }, server }: Target, waits: boolean): Promise<boolean> {
    const queue = this.#names.queue(topic, server)
    const seenAtMs = this.#seenAtMs.get(queue)
    if (seenAtMs !== undefined && this.#clock.now() - seenAtMs < believedMs) return true
    if (!waits && ((await this.#session.consumers(queue)) ?? 0) === 0) return false
    // Publishing to an exchange that is not there would end the channel.
    if (server === undefined && !(await this.#session.hasExchange(this.#names.exchange(topic)))) return false
    if (!waits) this.seen(queue)
    return true
  }
}
