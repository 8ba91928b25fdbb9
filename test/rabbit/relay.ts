import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Transform } from 'node:stream'

/** Bytes arrive later, in their order. */
const late = (delayMs: () => number) =>
  new Transform({
    transform: (chunk, _encoding, done) => void setTimeout(() => done(null, chunk), delayMs()),
  })

/** A link to a port of this machine that may be slow, or cut. */
export class Relay {
  readonly #to: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false
  /** Of each direction. */
  delayMs = 0
  connections = 0

  private constructor(to: number) {
    this.#to = to
    this.#server = createServer(socket => this.#take(socket))
  }

  static async start(to: number): Promise<Relay> {
    const relay = new Relay(to)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  #take(near: Socket): void {
    if (this.#isCut) {
      near.destroy()
      return
    }
    this.connections++
    const far = connect(this.#to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => one.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      one.pipe(late(() => this.delayMs)).pipe(other)
    }
  }

  /** Connections end, and new ones are refused. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
