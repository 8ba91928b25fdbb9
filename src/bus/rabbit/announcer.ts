import type { Channel } from 'amqplib'
import { type Clock, type Log, SerialQueue, systemClock } from '#base'
import { Link } from './link.ts'
import { type Publisher, Unconfirmed } from './publisher.ts'
import type { Session } from './session.ts'
import { type RabbitOptions, rabbitDefaults, rabbitPlace } from './settings.ts'

/** For everybody who listens: a message under a key. */
export interface Announcement {
  readonly key: string
  readonly body: string
}

export interface AnnouncerOptions {
  /** `control_exchange`: the name of the topic exchange. */
  readonly exchange: string
  /** `[oslo_messaging_rabbit] amqp_durable_queues`: exchange and queues survive the broker. */
  readonly isDurable: boolean
  /** `rabbit_quorum_queue`. */
  readonly isQuorum: boolean
}

interface Life {
  readonly session: Session
  readonly channel: Channel
  readonly publisher: Publisher
  readonly queues: Set<string>
}

/**
 * Sends what anybody may listen to, as oslo.messaging's notifiers do: to a topic exchange, under `topic.priority`, and into a
 * queue of that name, which is made so that nothing is lost before somebody listens.
 */
export class Announcer {
  readonly #link: Link
  readonly #ownsLink: boolean
  readonly #options: AnnouncerOptions
  readonly #turns = new SerialQueue()
  #life: Life | undefined

  constructor(link: Link, options: AnnouncerOptions, ownsLink = false) {
    this.#link = link
    this.#options = options
    this.#ownsLink = ownsLink
  }

  /** Over a connection of its own, for a `transport_url` of notifications. */
  static open(
    url: string,
    { log, clock = systemClock, rabbit = rabbitDefaults }: { log: Log; clock?: Clock; rabbit?: RabbitOptions },
    options: AnnouncerOptions,
  ): Announcer {
    const place = rabbitPlace(url, rabbit)
    return new Announcer(new Link({ place, log, clock, setUp: async () => undefined }), options, true)
  }

  /**
   * In this order; returns how many of the first ones the broker has for certain. Fewer than were given, or a rejection: the
   * broker is away or refuses them, and they may be sent again.
   */
  send(announcements: readonly Announcement[]): Promise<number> {
    return this.#turns.run(async () => {
      const life = await this.#alive()
      for (const key of new Set(announcements.map(a => a.key))) await this.#declare(life, key)
      const sent = announcements.map(({ key, body }) =>
        life.publisher.publish({
          exchange: this.#options.exchange,
          key,
          content: Buffer.from(body),
          properties: {
            contentType: 'application/json',
            contentEncoding: 'utf-8',
            deliveryMode: 2,
            priority: 0,
            headers: {},
          },
        }),
      )
      const results = await Promise.allSettled(sent)
      const failed = results.findIndex(result => result.status === 'rejected' || result.value === 'unroutable')
      if (failed === -1) return announcements.length
      // Somebody has removed a queue, or the channel is gone: everything is declared anew.
      this.#life = undefined
      void life.channel.close().catch(() => undefined)
      return failed
    })
  }

  async close(): Promise<void> {
    if (this.#ownsLink) await this.#link.close()
  }

  async #alive(): Promise<Life> {
    const session = this.#link.current
    if (session === undefined) throw new Unconfirmed('not connected to the broker')
    if (this.#life?.session === session) return this.#life
    const { channel, publisher } = await session.ownPublisher()
    const life = { session, channel, publisher, queues: new Set<string>() }
    channel.on('close', () => {
      if (this.#life === life) this.#life = undefined
    })
    this.#life = life
    return life
  }

  async #declare({ channel, queues }: Life, key: string): Promise<void> {
    const { exchange, isDurable, isQuorum } = this.#options
    if (queues.has(key)) return
    // As oslo.messaging declares both; a difference would be an error.
    const durable = isDurable || isQuorum
    await channel.assertExchange(exchange, 'topic', { durable, autoDelete: false })
    await channel.assertQueue(key, {
      durable,
      autoDelete: false,
      ...(isQuorum ? { arguments: { 'x-queue-type': 'quorum' } } : {}),
    })
    await channel.bindQueue(key, exchange, key)
    queues.add(key)
  }
}
