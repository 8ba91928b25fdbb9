import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { fromJson } from '#base'
import { HypervisorError } from '../faults.ts'
import type { GuestRecord } from './guest-record.ts'

/** A running guest as it goes from one host to another. */
export interface Arrival {
  readonly guest: GuestRecord
  /** Where the disks of the source lie. */
  readonly folder: string
}

const lost = (reason: string) => HypervisorError({ operation: 'migrate', reason })

/** The whole of what the other side has to say; the way back stays open. */
const readAll = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('utf8').on('data', part => {
      text += String(part)
    })
    socket.once('end', () => resolve(text)).once('error', reject)
  })

/**
 * Where guests of other hosts arrive: a port of this machine, open from the first guest that is expected until the host
 * closes. Hosts may be processes of their own. A guest has arrived when the answer is `arrived`.
 */
export class Landings {
  readonly #arrive: (id: string, arrival: Arrival) => Promise<void>
  #server: Promise<Server> | undefined

  constructor(arrive: (id: string, arrival: Arrival) => Promise<void>) {
    this.#arrive = arrive
  }

  async addressOf(id: string): Promise<string> {
    this.#server ??= this.#listen()
    const address = (await this.#server).address()
    if (address === null || typeof address === 'string') throw lost('the host does not listen')
    return `tcp://127.0.0.1:${address.port}/${id}`
  }

  async close(): Promise<void> {
    const server = await this.#server
    server?.close()
  }

  async #listen(): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, socket => void this.#receive(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return server.unref()
  }

  async #receive(socket: Socket): Promise<void> {
    try {
      const { id, ...arrival } = fromJson<Arrival & { readonly id: string }>(await readAll(socket))
      await this.#arrive(id, arrival)
      socket.end('arrived')
    } catch (error) {
      socket.on('error', () => undefined).end(error instanceof Error ? error.message : String(error))
    }
  }
}

/** Returns when the guest has arrived at the address; throws when it has not, or when nobody can say. */
export async function deliver(uri: string, arrival: Arrival): Promise<void> {
  const { hostname: host, port, pathname } = new URL(uri)
  const socket = createConnection({ host, port: Number(port), allowHalfOpen: true })
  try {
    socket.end(JSON.stringify({ id: pathname.slice(1), ...arrival }))
    const answer = await readAll(socket)
    if (answer !== 'arrived') throw lost(answer === '' ? `nobody answers at ${uri}` : answer)
  } catch (error) {
    throw HypervisorError.is(error) ? error : lost(error instanceof Error ? error.message : String(error))
  } finally {
    socket.destroy()
  }
}
