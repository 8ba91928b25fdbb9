import { type Fault, faultFromRecord, faultRecord } from '#base'
import type { Bus } from './bus.ts'
import { decode, encode } from './codec.ts'
import type { CallContext, Client, Contract, Handlers } from './contract.ts'
import { NoServer } from './no-server.ts'

type Handler = (args: unknown, context: CallContext) => Promise<unknown>

/**
 * The bus of the one-process cloud. Every message passes the codec, so that what works here works over a broker: no
 * shared objects, no functions, faults as records.
 */
export class InProcessBus implements Bus {
  readonly #servers = new Map<string, Map<string, Readonly<Record<string, Handler>>>>()

  serve<C extends Contract>(contract: C, server: string, handlers: Handlers<C>): () => void {
    const servers = this.#servers.get(contract.topic) ?? new Map<string, Readonly<Record<string, Handler>>>()
    this.#servers.set(contract.topic, servers)
    servers.set(server, handlers as unknown as Readonly<Record<string, Handler>>)
    return () => {
      servers.delete(server)
    }
  }

  client<C extends Contract>(contract: C, server?: string): Client<C> {
    const calls = Object.keys(contract.methods).map(name => {
      const call = (args: unknown, context: CallContext = {}) => this.#call(contract.topic, server, name, args, context)
      return [name, call] as const
    })
    return Object.fromEntries(calls) as unknown as Client<C>
  }

  async #call(
    topic: string,
    server: string | undefined,
    name: string,
    args: unknown,
    context: CallContext,
  ): Promise<unknown> {
    const servers = this.#servers.get(topic)
    const handlers = server === undefined ? servers?.values().next().value : servers?.get(server)
    const handler = handlers?.[name]
    if (handler === undefined) throw NoServer({ topic, server: server ?? 'any server' })
    const request = encode(args)
    try {
      return decode(encode(await handler(decode(request), context)))
    } catch (error) {
      throw crossing(error)
    }
  }
}

/** A fault as the other side of a wire would see it. */
const crossing = (error: unknown): Fault => faultFromRecord(JSON.parse(JSON.stringify(faultRecord(error))))
