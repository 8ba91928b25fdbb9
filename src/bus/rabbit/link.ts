import { type Clock, type Log, pause, within } from '#base'
import { Session } from './session.ts'
import type { Broker, RabbitPlace } from './settings.ts'

/** Closing a connection to a broker that does not answer is not waited for longer. */
const closeWithinMs = 300

/** A broker that takes longer than this for a few queues is not well. */
const setUpWithinMs = 60_000

export class LinkClosed extends Error {}

interface LinkParts {
  readonly place: RabbitPlace
  readonly clock: Clock
  readonly log: Log
  /** What every new connection needs before anybody uses it. */
  readonly setUp: (session: Session) => Promise<void>
}

/**
 * The one connection of this process to the brokers. When it breaks, the next broker is tried, after pauses that grow and
 * differ from process to process, for ever: whoever needs a session waits for it.
 */
export class Link {
  readonly #parts: LinkParts
  readonly #closing = new AbortController()
  #session: Session | undefined
  #next = Promise.withResolvers<Session>()
  #connections = 0
  #renewedAtMs: number | undefined
  readonly #running: Promise<void>

  constructor(parts: LinkParts) {
    this.#parts = parts
    this.#next.promise.catch(() => undefined)
    this.#running = this.#run()
  }

  get current(): Session | undefined {
    return this.#session
  }

  /** When this connection followed on a broken one; undefined for the first of the process. */
  get renewedAtMs(): number | undefined {
    return this.#renewedAtMs
  }

  session(): Promise<Session> {
    return this.#session === undefined ? this.#next.promise : Promise.resolve(this.#session)
  }

  async close(): Promise<void> {
    this.#closing.abort(new LinkClosed('the bus is closed'))
    this.#next.reject(this.#closing.signal.reason)
    const { clock } = this.#parts
    const session = this.#session
    if (session !== undefined) await within(closeWithinMs, session.close(), clock)
    await within(closeWithinMs, this.#running, clock)
  }

  async #run(): Promise<void> {
    const { brokers } = this.#parts.place
    const { signal } = this.#closing
    // Processes spread over the brokers.
    let turn = Math.floor(Math.random() * brokers.length)
    let failures = 0
    while (!signal.aborted) {
      const broker = brokers[turn++ % brokers.length] ?? brokers[0]
      const session = await this.#open(broker, failures)
      if (session === undefined) {
        failures++
        // Every broker is asked before the first pause.
        if (failures % brokers.length === 0) await this.#pause(Math.floor(failures / brokers.length))
        continue
      }
      failures = 0
      await this.#use(session, broker)
    }
  }

  async #open(broker: Broker, failures: number): Promise<Session | undefined> {
    const { place, log, clock, setUp } = this.#parts
    const at = { broker: `${broker.host}:${broker.port}`, user: broker.user }
    let session: Session | undefined
    try {
      session = await Session.open(place, broker, { log, clock })
      const isReady = setUp(session).then(() => true)
      if ((await within(setUpWithinMs, isReady, clock)) !== true) throw new Error('the broker does not answer')
      log.info(at, 'connected to the broker')
      return session
    } catch (error) {
      await session?.close()
      // The first failure and then one in ten: a broker that is away for an hour does not fill the log.
      if (failures % 10 === 0) log.error({ ...at, err: error }, 'the broker cannot be reached; trying again')
      return undefined
    }
  }

  async #use(session: Session, broker: Broker): Promise<void> {
    const { log, clock } = this.#parts
    if (this.#closing.signal.aborted) return session.close()
    if (++this.#connections > 1) this.#renewedAtMs = clock.now()
    this.#session = session
    this.#next.resolve(session)
    await session.ended
    this.#session = undefined
    if (this.#closing.signal.aborted) return
    this.#next = Promise.withResolvers<Session>()
    this.#next.promise.catch(() => undefined)
    log.warn({ broker: `${broker.host}:${broker.port}` }, 'the connection to the broker is lost')
  }

  async #pause(round: number): Promise<void> {
    const { firstMs, stepMs, mostMs } = this.#parts.place.retry
    const longest = Math.min(firstMs + stepMs * (round - 1), mostMs)
    // From half of it on: a whole cloud does not come back in one moment.
    const ms = longest * (0.5 + Math.random() / 2)
    await pause(ms, this.#parts.clock, this.#closing.signal).catch(() => undefined)
  }
}
