import type { ConfirmChannel, Options } from 'amqplib'
import { Limiter } from '#base'

/** Messages that the broker has not confirmed; whoever has more waits. */
const maxUnconfirmed = 1024

/** The connection or the channel ended before the broker confirmed: the message may be there, or not. */
export class Unconfirmed extends Error {}

/** The broker does not allow one of the messages that were under way, and has ended the channel for it. */
export class Refused extends Unconfirmed {}

export interface Outgoing {
  readonly exchange: string
  readonly key: string
  readonly content: Buffer
  readonly properties: Options.Publish
}

/** Sends messages and tells of each, once the broker has it, whether it led to a queue. */
export class Publisher {
  readonly #channel: ConfirmChannel
  readonly #slots = new Limiter(maxUnconfirmed)
  /** The broker returns a message before it confirms it. */
  readonly #returned = new Set<string>()
  #draining: Promise<void> | undefined
  #refusal: Error | undefined
  #isOpen = true
  #number = 0

  constructor(channel: ConfirmChannel) {
    this.#channel = channel
    channel.on('return', message => this.#returned.add(String(message.properties.messageId)))
    channel.on('error', error => {
      this.#refusal = error
    })
    channel.on('close', () => {
      this.#isOpen = false
    })
  }

  publish(message: Outgoing): Promise<'routed' | 'unroutable'> {
    return this.#slots.run(() => this.#publish(message))
  }

  async #publish({ exchange, key, content, properties }: Outgoing): Promise<'routed' | 'unroutable'> {
    await this.#draining
    const messageId = properties.messageId ?? String(++this.#number)
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(new Unconfirmed('not connected'))
      const onConfirm = (error: unknown) => {
        const isReturned = this.#returned.delete(messageId)
        if (error !== null) reject(this.#failure(error))
        else resolve(isReturned ? 'unroutable' : 'routed')
      }
      const options = { mandatory: true, ...properties, messageId }
      if (!this.#channel.publish(exchange, key, content, options, onConfirm)) this.#awaitDrain()
    })
  }

  #failure(error: unknown): Unconfirmed {
    return this.#refusal === undefined ? new Unconfirmed(String(error)) : new Refused(this.#refusal.message)
  }

  #awaitDrain(): void {
    this.#draining ??= new Promise(resolve => {
      const done = () => {
        this.#draining = undefined
        this.#channel.off('drain', done)
        this.#channel.off('close', done)
        resolve()
      }
      this.#channel.on('drain', done)
      this.#channel.on('close', done)
    })
  }
}
