import { type Clock, type Log, pause } from '#base'
import { HypervisorUnavailable } from '../../faults.ts'
import { Connection } from './connection.ts'
import { eventId, eventMessage, isQuestion, type Procedure, procedures } from './procedures.ts'
import { type DomainRef, readDomain } from './values.ts'
import type { XdrReader } from './xdr.ts'

export type ClientEvent =
  | { readonly kind: 'lifecycle'; readonly domain: DomainRef; readonly event: number; readonly detail: number }
  | { readonly kind: 'device-removed' | 'device-removal-failed'; readonly domain: DomainRef; readonly alias: string }
  /** The agent in the guest has opened its channel, or let go of it. */
  | { readonly kind: 'agent'; readonly domain: DomainRef; readonly isConnected: boolean }
  /** A job on a disk is ready, has ended or failed. */
  | { readonly kind: 'block-job'; readonly domain: DomainRef; readonly disk: string }
  /** A job on the guest as a whole, like the copy of a disk, has ended one way or another. */
  | { readonly kind: 'job-completed'; readonly domain: DomainRef }
  /** A new connection after a lost one: events in between are unknown, the listener compares states. */
  | { readonly kind: 'reconnected' }

export interface ClientOptions {
  readonly socketPath: string
  readonly clock: Clock
  readonly log: Log
  readonly callTimeoutMs?: number
  readonly longCallTimeoutMs?: number
  /** How long a call waits for a daemon that is away, e.g. restarting, before it fails. */
  readonly connectWaitMs?: number
}

/**
 * `short` for questions that the daemon answers at once, `long` for what waits for QEMU. The daemon runs only a few
 * requests of one connection at a time (max_client_requests, 5 by default): on one connection, five starting guests would
 * hold up every state query.
 */
export type Lane = 'short' | 'long'

const reconnectFirstMs = 100
const reconnectMaxMs = 2000

/**
 * The daemon, kept connected. Theory of operation: each lane has at most one connection and at most one attempt to make
 * one, shared by all who wait for it. The short lane carries the events, so it is made again in the background when it is
 * lost; the long one when the next long call comes. A call whose connection breaks under it fails with
 * HypervisorUnavailable (transient): it may or may not have been done, and the driver's methods converge when repeated.
 */
export class LibvirtClient {
  readonly #options: ClientOptions
  readonly #lanes: Record<Lane, Connection | undefined> = { short: undefined, long: undefined }
  readonly #attempts: Record<Lane, Promise<Connection> | undefined> = { short: undefined, long: undefined }
  readonly #listeners = new Set<(event: ClientEvent) => void>()
  readonly #ended = new AbortController()
  #wasConnected = false

  constructor(options: ClientOptions) {
    this.#options = options
  }

  async call<A, R>(procedure: Procedure<A, R>, args: A, lane: Lane = 'short'): Promise<R> {
    const connection = await this.#connected(lane)
    try {
      return await connection.call(procedure, args, this.#timeoutMs(lane))
    } catch (error) {
      // A question is simply asked again over the next connection; whether a change was made only the driver can tell.
      if (!connection.isClosed || !isQuestion(procedure) || !HypervisorUnavailable.is(error)) throw error
    }
    return (await this.#connected(lane)).call(procedure, args, this.#timeoutMs(lane))
  }

  /**
   * For a call that lasts for hours: on a connection of its own, which nobody waits behind. What it began goes on without
   * us when we are gone.
   */
  async callAlone<A, R>(procedure: Procedure<A, R>, args: A, timeoutMs: number): Promise<R> {
    this.#ended.signal.throwIfAborted()
    const { socketPath, clock } = this.#options
    const handlers = { onEvent: () => undefined, onClose: () => undefined }
    const connection = await Connection.open({ socketPath, clock, ...handlers }, this.#timeoutMs('short'))
    const close = () => connection.close()
    this.#ended.signal.addEventListener('abort', close, { once: true })
    try {
      return await connection.call(procedure, args, timeoutMs)
    } finally {
      this.#ended.signal.removeEventListener('abort', close)
      connection.close()
    }
  }

  async #connected(lane: Lane): Promise<Connection> {
    const open = this.#lanes[lane]
    return open !== undefined && !open.isClosed ? open : this.#connect(lane)
  }

  #timeoutMs(lane: Lane): number {
    return lane === 'short' ? (this.#options.callTimeoutMs ?? 30_000) : (this.#options.longCallTimeoutMs ?? 600_000)
  }

  /** Returns the function that ends the subscription. */
  onEvent(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#ended.abort(HypervisorUnavailable({ reason: 'the driver is closed' }))
    this.#lanes.short?.close()
    this.#lanes.long?.close()
    this.#listeners.clear()
  }

  #connect(lane: Lane): Promise<Connection> {
    this.#attempts[lane] ??= this.#keepTrying(lane).finally(() => {
      this.#attempts[lane] = undefined
    })
    return this.#attempts[lane]
  }

  async #keepTrying(lane: Lane): Promise<Connection> {
    const { clock } = this.#options
    const end = clock.now() + (this.#options.connectWaitMs ?? 10_000)
    for (let delay = reconnectFirstMs; ; delay = Math.min(delay * 2, reconnectMaxMs)) {
      this.#ended.signal.throwIfAborted()
      try {
        return await this.#open(lane)
      } catch (error) {
        if (!HypervisorUnavailable.is(error) || clock.now() >= end) throw error
      }
      await pause(delay, clock, this.#ended.signal)
    }
  }

  async #open(lane: Lane): Promise<Connection> {
    const { socketPath, clock } = this.#options
    const handlers = {
      onEvent: (number: number, body: XdrReader) => this.#emitMessage(number, body),
      // May be called before open() returns; such a connection was never ours.
      onClose: (reason: string) => this.#lost(lane, opened, reason),
    }
    let opened: Connection | undefined
    const connection = await Connection.open({ socketPath, clock, ...handlers }, this.#timeoutMs('short'))
    opened = connection
    if (lane === 'short') {
      for (const id of Object.values(eventId))
        await connection.call(procedures.registerEvent, id, this.#timeoutMs('short'))
    }
    if (this.#ended.signal.aborted) connection.close()
    this.#ended.signal.throwIfAborted()
    this.#lanes[lane] = connection
    if (lane === 'short') {
      if (this.#wasConnected) this.#emit({ kind: 'reconnected' })
      this.#wasConnected = true
    }
    return connection
  }

  #lost(lane: Lane, connection: Connection | undefined, reason: string): void {
    if (connection === undefined || this.#lanes[lane] !== connection) return
    this.#lanes[lane] = undefined
    if (this.#ended.signal.aborted) return
    this.#options.log.warn({ lane, reason }, 'lost the connection to libvirt')
    if (lane === 'short') void this.#reconnect()
  }

  async #reconnect(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        await this.#connect('short')
        this.#options.log.info('connected to libvirt again')
        return
      } catch (error) {
        if (this.#ended.signal.aborted) return
        this.#options.log.error({ err: error }, 'libvirt does not answer')
      }
    }
  }

  #emitMessage(number: number, body: XdrReader): void {
    // Every message begins with the id that registerEvent gave, which one listener for all does not need.
    body.int()
    const domain = readDomain(body)
    if (number === eventMessage.lifecycle)
      this.#emit({ kind: 'lifecycle', domain, event: body.int(), detail: body.int() })
    else if (number === eventMessage.deviceRemoved) this.#emit({ kind: 'device-removed', domain, alias: body.string() })
    else if (number === eventMessage.agent) this.#emit({ kind: 'agent', domain, isConnected: body.int() === 1 })
    else if (number === eventMessage.blockJob) this.#emit({ kind: 'block-job', domain, disk: body.string() })
    else if (number === eventMessage.jobCompleted) this.#emit({ kind: 'job-completed', domain })
    else if (number === eventMessage.deviceRemovalFailed) {
      this.#emit({ kind: 'device-removal-failed', domain, alias: body.string() })
    }
  }

  #emit(event: ClientEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
