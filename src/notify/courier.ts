import { type Clock, every, type Log } from '#base'
import type { Store, WaitingEvent } from '#store'

/** A way by which events leave. */
export interface Driver {
  /**
   * In this order; returns how many of the first ones have arrived for certain. Less than all, or a rejection: the rest is
   * given again later.
   */
  send(events: readonly WaitingEvent[]): Promise<number>
  close(): Promise<void>
}

export interface CourierOptions {
  readonly store: Store
  readonly driver: Driver
  readonly clock: Clock
  readonly log: Log
  /** Unique per process life. */
  readonly owner: string
  /** Events that wait at most; the oldest go when there are more. */
  readonly mostWaiting: number
  /** Tries of an event after the first before it is dropped; below 0: for ever. */
  readonly retries: number
  readonly pollMs?: number
}

/** The next owner waits no longer for one that has died. */
const leaseMs = 10_000
/** Written, but perhaps not committed yet: looked at after this time. */
const afterWriteMs = 20
const batch = 200
/** Between two looks whether too much waits. */
const trimMs = 10_000

/**
 * Takes events from the outbox to wherever they are to go.
 *
 * Theory of operation. Every conductor has a courier, and the one that holds the lease sends, so events leave in the order in
 * which they were written. An event is removed after it has arrived; who dies between sends it again, under the same
 * ids. One that sleeps past its lease may send what another has sent: again the same ids. While nothing can be
 * delivered, events wait, up to a bound; then the oldest are dropped, and the log says how many.
 */
export class Courier {
  readonly #o: CourierOptions
  readonly #stops: (() => void)[] = []
  #soon: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()
  #isStopped = false
  #isFailing = false
  #failed = { number: 0, times: 0 }

  constructor(options: CourierOptions) {
    this.#o = options
  }

  start(): void {
    const { clock, log, pollMs = 1000, store, mostWaiting } = this.#o
    this.#stops.push(
      every(
        clock,
        pollMs,
        () => this.round(),
        error => log.error({ err: error }, 'sending of notifications failed'),
      ),
      every(
        clock,
        trimMs,
        async () => {
          const dropped = await store.outbox.trim(mostWaiting)
          if (dropped > 0)
            log.error({ dropped, limit: mostWaiting }, 'too many notifications wait; the oldest are lost')
        },
        error => log.error({ err: error }, 'waiting notifications could not be counted'),
      ),
    )
  }

  /** There is probably something to send. */
  poke(): void {
    if (this.#isStopped || this.#soon !== undefined) return
    this.#soon = this.#o.clock.after(afterWriteMs, () => {
      this.#soon = undefined
      this.round().catch(error => this.#o.log.error({ err: error }, 'sending of notifications failed'))
    })
  }

  /** Sends what waits, unless somebody else does. One round at a time. */
  round(): Promise<void> {
    const next = this.#running.then(() => this.#round())
    this.#running = next.catch(() => undefined)
    return next
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const stop of this.#stops.splice(0)) stop()
    this.#soon?.()
    await this.#o.driver.close()
    await this.#running
    await this.#o.store.outbox.release(this.#o.owner)
  }

  async #round(): Promise<void> {
    const { store, clock, owner } = this.#o
    while (!this.#isStopped) {
      if ((await store.outbox.first(1)).length === 0) return
      const now = clock.now()
      if (!(await store.outbox.lease(owner, now, now + leaseMs))) return
      const events = await store.outbox.first(batch)
      const arrived = await this.#send(events)
      await store.outbox.remove(events.slice(0, arrived).map(({ number }) => number))
      if (arrived < events.length) return
    }
  }

  async #send(events: readonly WaitingEvent[]): Promise<number> {
    const { driver, log } = this.#o
    try {
      const arrived = await driver.send(events)
      if (arrived === events.length) this.#isFailing = false
      return arrived === events.length ? arrived : this.#giveUp(events, arrived)
    } catch (error) {
      // Once, not with every try.
      if (!this.#isFailing) log.warn({ err: error }, 'notifications cannot be sent now; they wait')
      this.#isFailing = true
      return this.#giveUp(events, 0)
    }
  }

  /** How many are done with: those that have arrived, and the next where it has been tried often enough. */
  #giveUp(events: readonly WaitingEvent[], arrived: number): number {
    const { retries, log } = this.#o
    const next = events[arrived]
    if (next === undefined) return arrived
    this.#failed = this.#failed.number === next.number ? this.#failed : { number: next.number, times: 0 }
    this.#failed.times++
    if (retries < 0 || this.#failed.times <= retries) return arrived
    log.error({ event_type: next.eventType, instance_id: next.instanceId }, 'notification is dropped after its retries')
    return arrived + 1
  }
}
