import { type Clock, type Log, SerialQueue, steadyClock, within } from '#base'
import type { RemoteBus } from '../bus.ts'
import type { CallContext, Client, Contract, Handlers } from '../contract.ts'
import { TransportUnusable } from '../faults.ts'
import { Announcer, type AnnouncerOptions } from './announcer.ts'
import { Calls } from './calls.ts'
import { Link } from './link.ts'
import { type Names, names } from './names.ts'
import { type Handler, Serving } from './serving.ts'
import type { Session } from './session.ts'
import { type RabbitOptions, rabbitDefaults, rabbitPlace } from './settings.ts'

export interface RabbitBusOptions {
  /** `rabbit://user:password@host:port,…/virtual_host`. */
  readonly url: string
  readonly log: Log
  readonly clock?: Clock
  /** `control_exchange`: everything of this cloud at the broker is called so at its beginning. */
  readonly prefix?: string
  readonly rabbit?: Partial<RabbitOptions>
}

/** Why the broker does not let a service take calls, when another connection would not help. */
const isFinal = (error: unknown): boolean => [403, 405, 406, 530].includes((error as { code?: number }).code ?? 0)

/** Callers are told that this process goes, if the broker takes it in this time. */
const leaveWithinMs = 300

/**
 * The bus of a cloud of many machines: RabbitMQ. One connection per process; calls and answers are messages as `messages.ts`
 * has them, queues are called as `names.ts` says, and what happens to a call is told in `calls.ts` and `serving.ts`.
 */
export class RabbitBus implements RemoteBus {
  readonly #names: Names
  readonly #log: Log
  readonly #clock: Clock
  readonly #link: Link
  readonly #calls: Calls
  readonly #servings = new Map<Serving, PromiseWithResolvers<void>>()
  /** They may still work on calls. */
  readonly #stopped = new Set<Serving>()
  /** Queues are made and removed one after the other, on the newest connection. */
  readonly #changes = new SerialQueue()
  #newest: Session | undefined

  constructor({ url, log, clock = steadyClock, prefix = 'nova', rabbit = {} }: RabbitBusOptions) {
    const place = rabbitPlace(url, { ...rabbitDefaults, ...rabbit })
    this.#names = names(prefix)
    this.#log = log
    this.#clock = clock
    this.#link = new Link({ place, clock, log, setUp: session => this.#setUp(session) })
    const shared = { link: this.#link, names: this.#names, clock, log }
    this.#calls = new Calls({ ...shared, retryMostMs: place.retry.mostMs })
  }

  serve<C extends Contract>(contract: C, server: string, handlers: Handlers<C>): () => void {
    const serving = new Serving({
      contract,
      server,
      // The contract's types end at the wire, as in every adapter.
      handlers: handlers as unknown as Readonly<Record<string, Handler>>,
      link: this.#link,
      names: this.#names,
      clock: this.#clock,
      log: this.#log,
    })
    const attached = Promise.withResolvers<void>()
    attached.promise.catch(() => undefined)
    this.#servings.set(serving, attached)
    void this.#changes.run(async () => {
      const session = this.#newest
      // One that is still to be made takes it along.
      if (session?.isOpen === true) await this.#attach(session, serving).catch(() => session.close())
    })
    return () => {
      this.#servings.delete(serving)
      this.#stopped.add(serving)
      serving.refuse()
      const stopping = this.#changes.run(() => serving.stop(this.#newest))
      stopping.catch(error =>
        this.#log.warn({ topic: contract.topic, server, err: error }, 'a service was not taken off the bus properly'),
      )
    }
  }

  client<C extends Contract>(contract: C, server?: string): Client<C> {
    const calls = Object.entries(contract.methods).map(([name, { timeoutMs }]) => {
      const call = (args: unknown, context: CallContext = {}) =>
        this.#calls.call({ contract, server }, name, args, context, timeoutMs)
      return [name, call] as const
    })
    return Object.fromEntries(calls) as unknown as Client<C>
  }

  async ready(): Promise<void> {
    await this.#link.session()
    await Promise.all([...this.#servings.values()].map(({ promise }) => promise))
  }

  async isServed({ topic }: Contract): Promise<boolean> {
    const session = await this.#link.session()
    return ((await session.consumers(this.#names.queue(topic))) ?? 0) > 0
  }

  /** Over the same connection. */
  announcer(options: AnnouncerOptions): Announcer {
    return new Announcer(this.#link, options)
  }

  async close(): Promise<void> {
    this.#calls.close()
    const session = this.#link.current
    const left = async () => {
      await this.#changes.run(() => undefined)
      const servings = [...this.#servings.keys(), ...this.#stopped]
      await Promise.allSettled(servings.map(serving => serving.abandon(session)))
    }
    await within(leaveWithinMs, left(), this.#clock)
    await this.#link.close()
  }

  async #setUp(session: Session): Promise<void> {
    await this.#calls.setUp(session)
    await this.#changes.run(async () => {
      this.#newest = session
      for (const serving of this.#servings.keys()) await this.#attach(session, serving)
    })
  }

  /** Throws when the next connection shall try again. */
  async #attach(session: Session, serving: Serving): Promise<void> {
    const attached = this.#servings.get(serving)
    try {
      await serving.attach(session)
      attached?.resolve()
    } catch (error) {
      if (!isFinal(error)) throw error
      const reason = `The broker does not let this service take calls: ${(error as Error).message}`
      this.#log.error({ err: error }, 'calls cannot be taken')
      attached?.reject(TransportUnusable({ reason }, { cause: error }))
    }
  }
}
