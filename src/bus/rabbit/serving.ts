import type { Channel, ConsumeMessage, GetMessage, Message } from 'amqplib'
import { type Clock, every, faultRecord, isTransient, type Log, pause } from '#base'
import { encode } from '../codec.ts'
import type { CallContext, Contract } from '../contract.ts'
import { NoServer } from '../no-server.ts'
import type { Link } from './link.ts'
import { type AnswerKind, answerProperties, type IncomingCall, readCall } from './messages.ts'
import { hostOfUser, type Names, replyKey } from './names.ts'
import { Refused, Unconfirmed } from './publisher.ts'
import { consume, declareQueues, queuesOf, removeUnlessServed } from './queues.ts'
import type { Session } from './session.ts'
import { beatMs, holdMessageMs, rememberMs } from './timing.ts'

/**
 * One served name: its queues, and the calls that are worked on.
 *
 * Theory of operation. A call is taken, carried out and answered, and only then its message is confirmed: if this process dies
 * before, the broker gives the message to somebody else, or back to the caller when it has been under way for too long. So a
 * call may arrive twice, also because its caller has lost the connection and asks again. One that is being worked on is not
 * begun again; its answer goes to where it was asked for last. One that was answered a moment ago is answered from memory.
 *
 * A message waits at most some seconds for being taken: nothing is begun for a caller that has given up long ago.
 */
export type Handler = (args: unknown, context: CallContext) => Promise<unknown>

export interface Served {
  readonly contract: Contract
  readonly server: string
  readonly handlers: Readonly<Record<string, Handler>>
}

/** Calls worked on at a time; the broker keeps what is beyond that. */
const maxRunning = 1024

/** Larger answers are not remembered: the call is carried out again. */
const maxRememberedBytes = 65_536

interface Running {
  readonly call: IncomingCall
  readonly sinceMs: number
  /** Where the caller listens now. */
  replyQueue: string
  /** Undefined: confirmed. */
  delivery: { readonly channel: Channel; readonly message: ConsumeMessage } | undefined
}

interface Answered {
  readonly kind: AnswerKind
  readonly content: Buffer | undefined
  /** Where the broker has it. */
  deliveredTo: string
  readonly atMs: number
}

interface ServingParts extends Served {
  readonly link: Link
  readonly names: Names
  readonly clock: Clock
  readonly log: Log
}

export class Serving {
  readonly #p: ServingParts
  readonly #running = new Map<string, Running>()
  readonly #answered = new Map<string, Answered>()
  readonly #stopBeats: () => void
  #consuming: { readonly session: Session; readonly channel: Channel; readonly tags: readonly string[] } | undefined
  #isStopping = false

  constructor(parts: ServingParts) {
    this.#p = parts
    this.#stopBeats = every(
      parts.clock,
      beatMs,
      () => this.#beat(),
      error => parts.log.warn({ err: error }, 'callers could not be told that their calls are worked on'),
    )
  }

  /** Takes calls over this connection. */
  async attach(session: Session): Promise<void> {
    if (this.#isStopping || this.#consuming?.session === session) return
    const channel = await session.channel()
    await declareQueues(channel, this.#p)
    await channel.prefetch(maxRunning)
    const take = (message: ConsumeMessage | null) => this.#take(session, channel, message)
    const tags: string[] = []
    for (const queue of queuesOf(this.#p)) tags.push(await consume(session, channel, queue, take, this.#p))
    this.#consuming = { session, channel, tags }
    channel.on('close', () => {
      if (this.#consuming?.channel === channel) this.#consuming = undefined
      if (session.isOpen && !this.#isStopping) void this.#attachAgain(session)
    })
  }

  /** The broker has closed the channel, or a queue is gone, while the connection stands. */
  async #attachAgain(session: Session): Promise<void> {
    const { log, clock, contract, server } = this.#p
    for (let delayMs = 100; session.isOpen && !this.#isStopping; delayMs = Math.min(2 * delayMs, 10_000)) {
      await pause(delayMs, clock)
      try {
        return await this.attach(session)
      } catch (error) {
        if (session.isOpen) log.error({ topic: contract.topic, server, err: error }, 'calls cannot be taken')
      }
    }
  }

  /** From now on calls are given back; running ones still answer. */
  refuse(): void {
    this.#isStopping = true
  }

  /** Queues that nobody else serves go, so that callers learn of it at once. */
  async stop(session: Session | undefined): Promise<void> {
    const consuming = this.#consuming
    if (session?.isOpen !== true || consuming === undefined) return
    const { channel, tags } = consuming
    for (const tag of tags) await channel.cancel(tag)
    const giveBack = (message: GetMessage) => this.#giveBack(session, channel, message)
    for (const queue of queuesOf(this.#p)) await removeUnlessServed(session, channel, queue, giveBack)
  }

  /** This process ends: what it still works on, somebody else may. */
  async abandon(session: Session | undefined): Promise<void> {
    this.#isStopping = true
    this.#stopBeats()
    if (session?.isOpen !== true) return
    const calls = [...this.#running.values()]
    await Promise.allSettled(calls.map(running => this.#publish(session, running.replyQueue, 'gone', running.call.id)))
  }

  #take(session: Session, channel: Channel, message: ConsumeMessage | null): void {
    if (message === null) {
      // The queue was deleted.
      channel.close().catch(() => undefined)
      return
    }
    this.#receive(session, channel, message).catch(error => {
      // Of a connection that has ended: the message comes again.
      if (session.isOpen) this.#p.log.error({ err: error }, 'a call could not be answered')
    })
  }

  async #receive(session: Session, channel: Channel, message: ConsumeMessage): Promise<void> {
    const call = readCall(message)
    if (call === undefined || !this.#p.names.isReplyQueueOf(call.user, call.replyQueue)) {
      const { userId } = message.properties
      this.#p.log.warn({ user: userId, topic: this.#p.contract.topic }, 'a message that is no call is thrown away')
      channel.ack(message)
      return
    }
    if (this.#isStopping) return this.#giveBack(session, channel, message)
    const known = this.#running.get(call.id)
    if (known !== undefined) {
      if (known.delivery?.channel === channel) channel.ack(known.delivery.message)
      known.delivery = { channel, message }
      known.replyQueue = call.replyQueue
      return
    }
    if (await this.#answerFromMemory(session, call)) {
      channel.ack(message)
      return
    }
    await this.#run(call, channel, message)
  }

  async #giveBack(session: Session, channel: Channel, message: Message): Promise<void> {
    const call = readCall(message)
    if (call !== undefined) await this.#publish(session, call.replyQueue, 'gone', call.id)
    channel.ack(message)
  }

  /** True: it needs no work. */
  async #answerFromMemory(session: Session, call: IncomingCall): Promise<boolean> {
    const before = this.#answered.get(call.id)
    if (before === undefined) return false
    // The same message once more.
    if (before.deliveredTo === call.replyQueue) return true
    const { kind, content } = before
    if (content === undefined) return false
    await this.#publish(session, call.replyQueue, kind, call.id, content)
    before.deliveredTo = call.replyQueue
    return true
  }

  async #run(call: IncomingCall, channel: Channel, message: ConsumeMessage): Promise<void> {
    const { clock, link } = this.#p
    const running: Running = {
      call,
      sinceMs: clock.now(),
      replyQueue: call.replyQueue,
      delivery: { channel, message },
    }
    this.#running.set(call.id, running)
    const { kind, content } = await this.#carryOut(call)
    for (let isSent = false; !isSent; ) {
      const session = await link.session()
      const { replyQueue } = running
      try {
        await this.#publish(session, replyQueue, kind, call.id, content)
        this.#remember(call.id, kind, content, replyQueue)
        isSent = running.replyQueue === replyQueue
      } catch (error) {
        // The next connection carries it; a broker that does not allow it never will.
        if (!(error instanceof Unconfirmed) || error instanceof Refused) throw error
        await session.ended
      }
    }
    this.#running.delete(call.id)
    this.#confirm(running)
  }

  async #carryOut(call: IncomingCall): Promise<{ kind: AnswerKind; content: Buffer }> {
    const { contract, server, handlers } = this.#p
    const host = hostOfUser(call.user)
    const context = host === undefined ? call.context : { ...call.context, host }
    try {
      const handler = Object.hasOwn(handlers, call.method) ? handlers[call.method] : undefined
      // Of a newer release: another server may know it.
      if (handler === undefined) throw NoServer({ topic: contract.topic, server }, { detail: `no ${call.method}` })
      return { kind: 'result', content: Buffer.from(encode((await handler(call.args(), context)) ?? null)) }
    } catch (error) {
      if (!isTransient(error)) this.#p.log.debug({ method: call.method, err: error }, 'a call has failed')
      return { kind: 'fault', content: Buffer.from(encode(faultRecord(error))) }
    }
  }

  #remember(id: string, kind: AnswerKind, content: Buffer, deliveredTo: string): void {
    const isSmall = content.length <= maxRememberedBytes
    const atMs = this.#p.clock.now()
    this.#answered.set(id, { kind, content: isSmall ? content : undefined, deliveredTo, atMs })
  }

  #forgetOld(now: number): void {
    for (const [id, { atMs }] of this.#answered) {
      if (now - atMs < rememberMs) return
      this.#answered.delete(id)
    }
  }

  #confirm(running: Running): void {
    const { delivery } = running
    running.delivery = undefined
    // Of a channel that has ended there is nothing to confirm.
    if (delivery !== undefined && delivery.channel === this.#consuming?.channel) {
      delivery.channel.ack(delivery.message)
    }
  }

  async #publish(
    session: Session,
    replyQueue: string,
    kind: AnswerKind,
    callId?: string,
    content: Buffer = Buffer.alloc(0),
  ) {
    const { contract, names } = this.#p
    const to =
      contract.isServedByHosts === true
        ? { exchange: names.replies, key: replyKey(replyQueue) }
        : { exchange: '', key: replyQueue }
    // Without a queue for answers the caller is gone, or back with another one: then it asks again.
    await session.publisher.publish({ ...to, content, properties: answerProperties(kind, session.user, callId) })
  }

  /** Tells callers of all that takes longer. */
  async #beat(): Promise<void> {
    const session = this.#p.link.current
    const now = this.#p.clock.now()
    this.#forgetOld(now)
    const byCaller = new Map<string, string[]>()
    for (const running of this.#running.values()) {
      if (now - running.sinceMs > holdMessageMs) this.#confirm(running)
      byCaller.set(running.replyQueue, [...(byCaller.get(running.replyQueue) ?? []), running.call.id])
    }
    if (this.#isStopping && this.#running.size === 0) this.#stopBeats()
    if (session === undefined) return
    const signs = [...byCaller].map(([replyQueue, ids]) =>
      this.#publish(session, replyQueue, 'alive', undefined, Buffer.from(encode(ids))),
    )
    await Promise.allSettled(signs)
  }
}
