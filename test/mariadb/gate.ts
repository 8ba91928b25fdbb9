import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

/** What happens to a connection when its client says the word. */
export type Cut =
  /** The server never hears it. */
  | 'before'
  /** The server does it, and its answer is lost. */
  | 'after'

/** The command of a prepared statement's run; others are told by their words. */
const execution = 0x17

/** A socket in front of a database's own, on which connections break when they should. */
export class Gate {
  readonly socket: string
  readonly #target: string
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #next: { readonly word: 'commit' | 'execute'; readonly cut: Cut; readonly done: () => void } | undefined

  private constructor(socket: string, target: string) {
    this.socket = socket
    this.#target = target
    this.#server = createServer(client => this.#join(client))
  }

  static async open(folder: string, target: string): Promise<Gate> {
    const gate = new Gate(join(folder, 'gate'), target)
    await new Promise<void>(resolve => gate.#server.listen(gate.socket, resolve))
    return gate
  }

  /** At the next `commit`, or at the next statement with values; resolves when it has happened. */
  cut(word: 'commit' | 'execute', cut: Cut): Promise<void> {
    return new Promise(done => {
      this.#next = { word, cut, done }
    })
  }

  /** All connections that are open. */
  cutAll(): void {
    for (const socket of this.#open) socket.destroy()
  }

  get connections(): number {
    return this.#open.size
  }

  async close(): Promise<void> {
    this.cutAll()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #join(client: Socket): void {
    const server = createConnection(this.#target)
    this.#open.add(client)
    const end = () => {
      this.#open.delete(client)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
    let isLast = false
    client.on('data', (data: Buffer) => {
      const next = this.#next
      // Length and number of the packet, the kind of the command, and its words.
      const said = data[4] === execution ? 'execute' : data.subarray(5).toString()
      if (next !== undefined && said === next.word) {
        this.#next = undefined
        isLast = true
        next.done()
        if (next.cut === 'before') return end()
      }
      server.write(data)
    })
    server.on('data', data => (isLast ? end() : void client.write(data)))
  }
}
