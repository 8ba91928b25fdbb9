import { type Clock, type Fault, type Log, steadyClock } from '#base'
import type { RemoteBus } from '../bus.ts'
import type { CallContext, Client, Contract, Handlers } from '../contract.ts'
import { TransportUnusable } from '../faults.ts'
import { NoServer } from '../no-server.ts'
import { Connection, NotTaken } from './connection.ts'
import { type Address, isAlive, SocketFolder } from './folder.ts'
import { type Handler, SocketServer } from './server.ts'

export interface SocketBusOptions {
  /** Made if need be, and closed to other users. */
  readonly folder: string
  readonly log: Log
  readonly clock?: Clock
}

/** How long a list of the servers is believed. One that has gone is noticed at once, a new one after this time. */
const listingMs = 1_000

/** The first with the servers as they are known, the others with a fresh look. */
const attempts = 3

const isNobodyThere = (error: unknown): boolean =>
  ['ECONNREFUSED', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')

/**
 * The bus of several processes on one machine, without a broker: every served name is a unix socket in one folder, every
 * call a JSON line. Only the folder's owner gets in. Whoever dies is noticed by the kernel at once: his callers get the
 * transient fault, and the next call finds whoever serves the name by then.
 */
export class SocketBus implements RemoteBus {
  readonly #folder: SocketFolder
  readonly #clock: Clock
  readonly #log: Log
  readonly #servers = new Set<SocketServer>()
  readonly #opening = new Set<Promise<void>>()
  readonly #connections = new Map<string, Promise<Connection>>()
  #listing: { addresses: readonly Address[]; untilMs: number } | undefined
  #turn = 0
  #isClosed = false

  constructor(options: SocketBusOptions) {
    this.#folder = new SocketFolder(options.folder)
    this.#clock = options.clock ?? steadyClock
    this.#log = options.log
  }

  serve<C extends Contract>(contract: C, server: string, handlers: Handlers<C>): () => void {
    const { topic } = contract
    const path = this.#folder.newPath(topic, server)
    // The contract's types end at the wire, as in every adapter.
    const served = { topic, server, handlers: handlers as unknown as Readonly<Record<string, Handler>> }
    const listener = new SocketServer(path, served)
    this.#servers.add(listener)
    this.#listing = undefined
    const opening = listener.listen().catch(error => {
      throw TransportUnusable({ reason: `Cannot listen on ${path}: ${String(error)}` }, { cause: error })
    })
    this.#opening.add(opening)
    opening.catch(error => this.#log.error({ err: error }, 'a service cannot be reached on the bus'))
    void this.#removeStale(topic, server, path)
    return () => {
      listener.stop()
      this.#listing = undefined
    }
  }

  client<C extends Contract>(contract: C, server?: string): Client<C> {
    const { topic } = contract
    const calls = Object.entries(contract.methods).map(([name, { timeoutMs }]) => {
      const call = (args: unknown, context: CallContext = {}) =>
        this.#call(topic, server, connection => connection.call(name, args, context, timeoutMs))
      return [name, call] as const
    })
    return Object.fromEntries(calls) as unknown as Client<C>
  }

  async ready(): Promise<void> {
    await Promise.all(this.#opening)
  }

  async isServed(contract: Contract): Promise<boolean> {
    for (const { path } of this.#folder.list().filter(address => address.topic === contract.topic)) {
      if (await isAlive(path)) return true
    }
    return false
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const listener of this.#servers) listener.destroy()
    this.#servers.clear()
    const connections = [...this.#connections.values()]
    this.#connections.clear()
    for (const opening of connections) (await opening.catch(() => undefined))?.destroy()
  }

  async #call(
    topic: string,
    server: string | undefined,
    ask: (connection: Connection) => Promise<unknown>,
  ): Promise<unknown> {
    // A server that stops sends its callers away; whoever is told so by several in a row gives up.
    for (let attempt = 0; attempt < attempts; attempt++) {
      const connection = await this.#reach(topic, server, attempt > 0)
      try {
        if (connection !== undefined) return await ask(connection)
      } catch (error) {
        if (!(error instanceof NotTaken)) throw error
      }
    }
    throw NoServer({ topic, server: server ?? 'any server' })
  }

  /** A connection to one of the servers of that name, each in its turn. */
  async #reach(topic: string, server: string | undefined, isFresh: boolean): Promise<Connection | undefined> {
    const fits = (a: Address) => a.topic === topic && (server === undefined || a.server === server)
    const found = this.#addresses(isFresh).filter(fits)
    const turn = this.#turn++
    for (let i = 0; i < found.length && !this.#isClosed; i++) {
      const address = found[(turn + i) % found.length]
      if (address === undefined) continue
      try {
        const connection = await this.#connection(address)
        if (connection.isOpen) return connection
      } catch (error) {
        if (!isNobodyThere(error))
          throw NoServer({ topic, server: address.server }, { cause: error, detail: String(error) })
        this.#folder.remove(address.path)
        this.#listing = undefined
      }
    }
    return undefined
  }

  #addresses(isFresh: boolean): readonly Address[] {
    const now = this.#clock.now()
    if (isFresh || this.#listing === undefined || this.#listing.untilMs <= now) {
      this.#listing = { addresses: this.#folder.list(), untilMs: now + listingMs }
    }
    return this.#listing.addresses
  }

  #connection({ topic, server, path }: Address): Promise<Connection> {
    const known = this.#connections.get(path)
    if (known !== undefined) return known
    const forget = () => {
      this.#connections.delete(path)
      this.#listing = undefined
    }
    const gone = (detail: string): Fault => NoServer({ topic, server }, { detail })
    const opening = Connection.open(path, { clock: this.#clock, gone, onClose: forget })
    this.#connections.set(path, opening)
    opening.catch(forget)
    return opening
  }

  /** What earlier lives of this server left behind. */
  async #removeStale(topic: string, server: string, own: string): Promise<void> {
    for (const address of this.#folder.list()) {
      if (address.path === own || address.topic !== topic || address.server !== server) continue
      if (!(await isAlive(address.path))) this.#folder.remove(address.path)
    }
  }
}
