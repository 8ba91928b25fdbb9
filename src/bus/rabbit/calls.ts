import { randomBytes } from 'node:crypto'
import type { ConsumeMessage } from 'amqplib'
import { type Clock, every, faultFromRecord, type Log } from '#base'
import { encode } from '../codec.ts'
import type { CallContext } from '../contract.ts'
import { NoServer } from '../no-server.ts'
import { type Link, LinkClosed } from './link.ts'
import { callProperties, type Incoming, readAnswer } from './messages.ts'
import { anyServer, hostOfUser, type Names, newLifeId, replyKey, type Target } from './names.ts'
import { Presence } from './presence.ts'
import { Refused, Unconfirmed } from './publisher.ts'
import type { Session } from './session.ts'
import { beatMs, comeBackMs, silenceMs, takenWithinMs, welcomeBackMs } from './timing.ts'

/**
 * The calls of this process.
 *
 * Theory of operation. A call is sent, and sent again after the connection was lost, until something settles it; its id stays
 * the same, so a server that has it already does not begin it twice. It is settled by
 * - its answer;
 * - the broker, which returns it when there is no such queue, and hands it back when no server has taken it in time or the
 *   one that had taken it died. It is sent anew then while anybody serves, as when a server that stops gives it back;
 * - silence: who works on a call says so every few seconds, and whoever has not been heard of for several times that long is
 *   gone (or cannot reach the broker). While *we* have no connection, nobody is blamed for silence;
 * - the time of its method.
 * All but the answer are NoServer, a transient fault: the call may have been carried out or not, and its retry converges.
 *
 * Nobody can answer for somebody else: the broker vouches for the user of each message, and a host's user is believed for
 * calls to that host only.
 */

/** How often a call that comes back is sent anew. */
const attempts = 3

interface Pending {
  readonly id: string
  readonly target: Target
  readonly method: string
  readonly context: CallContext
  readonly content: Buffer
  readonly settled: Promise<unknown>
  readonly settle: (outcome: { result: unknown } | { fault: unknown }) => void
  isSettled: boolean
  /** Undefined: the broker has not got it yet, and the server cannot be blamed. */
  heardAtMs: number | undefined
  /** It has come back: to be sent anew. */
  again: PromiseWithResolvers<void>
  returns: number
}

interface CallsParts {
  readonly link: Link
  readonly names: Names
  readonly clock: Clock
  readonly log: Log
  readonly retryMostMs: number
}

export class Calls {
  readonly #p: CallsParts
  readonly #pending = new Map<string, Pending>()
  readonly #replyQueues = new WeakMap<Session, string>()
  readonly #presences = new WeakMap<Session, Presence>()
  readonly #stopSweep: () => void

  constructor(parts: CallsParts) {
    this.#p = parts
    this.#stopSweep = every(
      parts.clock,
      beatMs,
      () => this.#blameSilence(),
      error => parts.log.error({ err: error }, 'calls could not be looked through'),
    )
  }

  /** The queue for answers, of this connection only. */
  async setUp(session: Session): Promise<void> {
    const { names } = this.#p
    const queue = names.replyQueue(session.user, newLifeId())
    const channel = await session.channel()
    await channel.assertQueue(queue, { exclusive: true, autoDelete: true, durable: false })
    if (hostOfUser(session.user) === undefined) {
      await channel.assertExchange(names.replies, 'direct', { durable: true })
      await channel.bindQueue(queue, names.replies, replyKey(queue))
    }
    await channel.consume(queue, message => this.#take(session, message), { noAck: true, exclusive: true })
    channel.on('close', () => void session.close())
    this.#replyQueues.set(session, queue)
    this.#presences.set(session, new Presence(session, names, this.#p.clock))
  }

  call(target: Target, method: string, args: unknown, context: CallContext, timeoutMs: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const id = randomBytes(16).toString('hex')
    const settled = Promise.withResolvers<void>()
    const cancelTimer = this.#p.clock.after(timeoutMs, () =>
      this.#fail(pending, `no answer to ${method} in ${timeoutMs} ms`),
    )
    const pending: Pending = {
      id,
      target,
      method,
      context,
      content: Buffer.from(encode(args)),
      settled: settled.promise,
      settle: outcome => {
        if (pending.isSettled) return
        pending.isSettled = true
        this.#pending.delete(id)
        cancelTimer()
        settled.resolve()
        if ('fault' in outcome) reject(outcome.fault)
        else resolve(outcome.result)
      },
      isSettled: false,
      heardAtMs: undefined,
      again: Promise.withResolvers(),
      returns: 0,
    }
    this.#pending.set(id, pending)
    this.#deliver(pending).catch(error => pending.settle({ fault: error }))
    return promise
  }

  close(): void {
    this.#stopSweep()
    for (const pending of this.#pending.values()) this.#fail(pending, 'this process stops')
  }

  #fail(pending: Pending, detail: string): void {
    const { contract, server } = pending.target
    pending.settle({ fault: NoServer({ topic: contract.topic, server: server ?? 'any server' }, { detail }) })
  }

  /** Over one connection after the other, until it is settled. */
  async #deliver(pending: Pending): Promise<void> {
    while (!pending.isSettled) {
      const session = await Promise.race([this.#session(), pending.settled.then(() => undefined)])
      if (session === undefined || pending.isSettled) return this.#fail(pending, 'this process stops')
      try {
        pending.again = Promise.withResolvers()
        await this.#send(pending, session)
        await Promise.race([session.ended, pending.settled, pending.again.promise])
      } catch (error) {
        if (error instanceof Refused) return this.#fail(pending, error.message)
        if (!(error instanceof Unconfirmed) && session.isOpen) throw error
        // The next connection takes it.
        await Promise.race([session.ended, pending.settled])
      }
      pending.heardAtMs = undefined
    }
  }

  /** Undefined: there will be none. */
  #session(): Promise<Session | undefined> {
    return this.#p.link.session().catch(error => {
      if (error instanceof LinkClosed) return undefined
      throw error
    })
  }

  async #send(pending: Pending, session: Session): Promise<void> {
    const { names, clock } = this.#p
    const { contract, server } = pending.target
    const queue = names.queue(contract.topic, server)
    const patienceMs = this.#patienceMs()
    const isServed = await this.#presences.get(session)?.isServed(pending.target, patienceMs > takenWithinMs)
    if (isServed === false) return this.#fail(pending, 'nobody serves it')
    const replyQueue = this.#replyQueues.get(session) ?? ''
    const fate = await session.publisher.publish({
      ...(server === undefined
        ? { exchange: names.exchange(contract.topic), key: anyServer }
        : { exchange: '', key: queue }),
      content: pending.content,
      properties: callProperties({
        id: pending.id,
        user: session.user,
        replyQueue,
        undeliveredKey: replyKey(replyQueue),
        method: pending.method,
        context: pending.context,
        takenWithinMs: patienceMs,
      }),
    })
    pending.heardAtMs = clock.now()
    if (fate === 'routed') return
    if (patienceMs === takenWithinMs) return this.#fail(pending, 'there is no such queue')
    clock.after(comeBackMs, () => pending.again.resolve())
  }

  /** When the broker was away, servers need time to come back to it; a call waits for them as long. */
  #patienceMs(): number {
    const { link, clock, retryMostMs } = this.#p
    const graceMs = retryMostMs + welcomeBackMs
    const since = link.renewedAtMs
    return since === undefined || clock.now() - since > graceMs ? takenWithinMs : graceMs
  }

  #take(session: Session, message: ConsumeMessage | null): void {
    // The queue is gone, and with it what this connection is for.
    if (message === null) return void session.close()
    const incoming = readAnswer(message)
    if (incoming === undefined) {
      this.#p.log.warn({ user: message.properties.userId }, 'a message that is no answer is thrown away')
      return
    }
    try {
      this.#takeAnswer(session, incoming)
    } catch (error) {
      this.#p.log.warn({ user: incoming.user, err: error }, 'an answer that cannot be read is thrown away')
    }
  }

  #takeAnswer(session: Session, incoming: Incoming): void {
    if (incoming.kind === 'alive') {
      for (const id of incoming.ids()) {
        const pending = this.#pending.get(id)
        if (pending !== undefined && mayAnswer(incoming.user, pending.target)) this.#heard(session, pending)
      }
      return
    }
    const pending = this.#pending.get(incoming.id)
    // Too late: whoever asked was told so.
    if (pending === undefined) return
    if (incoming.kind === 'undelivered') {
      if (incoming.user === session.user) this.#cameBack(session, pending, comeBackMs)
      return
    }
    if (!mayAnswer(incoming.user, pending.target)) {
      this.#p.log.error({ user: incoming.user, topic: pending.target.contract.topic }, 'a forged answer is thrown away')
      return
    }
    this.#heard(session, pending)
    if (incoming.kind === 'result') return pending.settle({ result: incoming.result() })
    if (incoming.kind === 'fault') return pending.settle({ fault: faultFromRecord(incoming.fault()) })
    this.#cameBack(session, pending, 0)
  }

  /** The server stops, has not taken it in time, or is gone. Another one or its next life may be there. */
  #cameBack(session: Session, pending: Pending, pauseMs: number): void {
    const { names, clock } = this.#p
    const { contract, server } = pending.target
    this.#presences.get(session)?.forget(names.queue(contract.topic, server))
    if (++pending.returns >= attempts) return this.#fail(pending, 'no server takes it')
    pending.heardAtMs = clock.now()
    clock.after(pauseMs, () => pending.again.resolve())
  }

  #heard(session: Session, pending: Pending): void {
    const { names, clock } = this.#p
    const { contract, server } = pending.target
    pending.heardAtMs = clock.now()
    this.#presences.get(session)?.seen(names.queue(contract.topic, server))
  }

  #blameSilence(): void {
    const now = this.#p.clock.now()
    const limitMs = this.#patienceMs() + silenceMs
    for (const pending of this.#pending.values()) {
      const sinceMs = pending.heardAtMs ?? now
      if (now - sinceMs > limitMs) this.#fail(pending, `the server is silent for ${limitMs} ms`)
    }
  }
}

/** A host speaks for itself; the control plane for everybody. */
function mayAnswer(user: string, { contract, server }: Target): boolean {
  const host = hostOfUser(user)
  return host === undefined || (contract.isServedByHosts === true && host === server)
}
