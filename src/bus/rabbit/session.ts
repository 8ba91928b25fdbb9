import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import { type Clock, type Log, SerialQueue, within } from '#base'
import { Publisher } from './publisher.ts'
import type { Broker, RabbitPlace } from './settings.ts'

/** A silent broker is given up after this time, at the connect only: later there are heartbeats. */
const connectTimeoutMs = 10_000

/** A broker that does not answer is not waited for longer when the connection is closed. */
const closeWithinMs = 2_000

/** AMQP's reply code for what does not exist. */
const notFound = 404

const isNotFound = (error: unknown): boolean => (error as { code?: unknown }).code === notFound

interface SessionParts {
  readonly clock: Clock
  readonly log: Log
}

/**
 * One life of the connection to a broker. Channels, consumers and the queue for answers end with it; nothing of it is used
 * in the next one.
 */
export class Session {
  readonly #model: ChannelModel
  readonly #log: Log
  readonly #clock: Clock
  readonly #looks = new SerialQueue()
  #looking: Channel | undefined
  readonly user: string
  readonly publisher: Publisher
  /** Resolves when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>
  isOpen = true

  private constructor(model: ChannelModel, publishing: ConfirmChannel, user: string, parts: SessionParts) {
    const { log, clock } = parts
    this.#model = model
    this.#clock = clock
    this.#log = log
    this.user = user
    this.publisher = new Publisher(publishing)
    // A channel of its own kind: when the broker closes it, what was sent on it is unconfirmed, and only a new connection helps.
    publishing.on('close', () => {
      if (this.isOpen) void this.close()
    })
    this.ended = new Promise(resolve => {
      model.on('close', () => {
        this.isOpen = false
        resolve()
      })
    })
  }

  static async open(place: RabbitPlace, broker: Broker, parts: SessionParts): Promise<Session> {
    const { connect } = await import('amqplib')
    const { tls } = place
    const { log } = parts
    const model = await connect(
      {
        protocol: tls === undefined ? 'amqp' : 'amqps',
        hostname: broker.host,
        port: broker.port,
        username: broker.user,
        password: broker.password,
        vhost: encodeURIComponent(place.virtualHost),
        heartbeat: place.heartbeatSeconds,
      },
      {
        // Without it every call takes 40 ms longer.
        noDelay: true,
        keepAlive: true,
        timeout: connectTimeoutMs,
        ...(tls === undefined
          ? {}
          : {
              ...(tls.ca === undefined ? {} : { ca: tls.ca }),
              ...(tls.cert === undefined ? {} : { cert: tls.cert }),
              ...(tls.key === undefined ? {} : { key: tls.key }),
              rejectUnauthorized: tls.ca !== undefined,
              ...(tls.checksHostname ? {} : { checkServerIdentity: () => undefined }),
            }),
      },
    )
    // The end of the connection is told by `close`; its reason here.
    model.on('error', error => log.warn({ err: error }, 'the broker ended the connection'))
    model.on('blocked', reason => log.error({ reason }, 'the broker takes no more messages'))
    model.on('unblocked', () => log.info('the broker takes messages again'))
    const publishing = await model.createConfirmChannel()
    publishing.on('error', error => log.error({ err: error }, 'the broker has refused a message'))
    return new Session(model, publishing, broker.user, parts)
  }

  /** Whoever asks for it listens to its `close`; errors are told in the log. */
  async channel(): Promise<Channel> {
    const channel = await this.#model.createChannel()
    channel.on('error', error => this.#log.warn({ err: error }, 'the broker has closed a channel'))
    return channel
  }

  /** For messages that have nothing to do with calls: when the broker closes this channel, nothing else ends. */
  async ownPublisher(): Promise<{ readonly channel: ConfirmChannel; readonly publisher: Publisher }> {
    const channel = await this.#model.createConfirmChannel()
    channel.on('error', error => this.#log.warn({ err: error }, 'the broker has closed a channel'))
    return { channel, publisher: new Publisher(channel) }
  }

  /** How many consumers a queue has; undefined: there is no such queue. */
  consumers(queue: string): Promise<number | undefined> {
    return this.#look(async channel => (await channel.checkQueue(queue)).consumerCount)
  }

  hasExchange(exchange: string): Promise<boolean> {
    return this.#look(async channel => {
      await channel.checkExchange(exchange)
      return true
    }).then(found => found ?? false)
  }

  /** Over a channel of its own, for the others may wait for this very queue. */
  async deleteQueue(queue: string): Promise<void> {
    const channel = await this.channel()
    await channel.deleteQueue(queue)
  }

  /** The broker answers a look at what is not there by closing the channel, so these have their own. */
  #look<T>(look: (channel: Channel) => Promise<T>): Promise<T | undefined> {
    return this.#looks.run(async () => {
      if (this.#looking === undefined) {
        const channel = await this.#model.createChannel()
        channel.on('error', () => undefined)
        channel.on('close', () => {
          this.#looking = undefined
        })
        this.#looking = channel
      }
      try {
        return await look(this.#looking)
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    })
  }

  /** What was published before is sent; then the connection ends. One that hangs is left to its heartbeats. */
  async close(): Promise<void> {
    this.isOpen = false
    await within(
      closeWithinMs,
      this.#model.close().catch(() => undefined),
      this.#clock,
    )
  }
}
