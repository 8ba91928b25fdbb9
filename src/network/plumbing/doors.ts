import { spawn } from 'node:child_process'
import { Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Log, SerialQueue } from '#base'
import { PlumbingFailed } from './commands.ts'
import { metadataAddress } from './metadata-address.ts'
import { namespaceIdentity } from './namespace.ts'

/**
 * Listening sockets for metadata, one in each namespace of a network or router.
 *
 * Theory of operation. Two networks may use the same addresses, so who asks is known only together with where it was asked.
 * A socket belongs to the namespace it was opened in, whoever holds it: a helper is run in the namespace, opens it and
 * hands it over (see open-door.ts). No process stays behind, and with this one the sockets go: a guest that asks meanwhile
 * is refused and asks again. They are opened beside the plumbing, which does not wait: whoever boots takes longer.
 */
export interface Place {
  readonly kind: 'network' | 'router'
  readonly id: string
}

export interface WantedDoor {
  readonly namespace: string
  readonly place: Place
}

export type OnConnection = (socket: Socket, place: Place) => void

interface Door {
  readonly server: Server
  readonly identity: string
}

const helper = fileURLToPath(new URL('./open-door.ts', import.meta.url))
const port = 80

function openIn(namespace: string, signal: AbortSignal): Promise<Server> {
  const args = ['netns', 'exec', namespace, process.execPath, helper, metadataAddress, String(port)]
  const child = spawn('ip', args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal })
  return new Promise((resolve, reject) => {
    let words = ''
    child.stderr?.on('data', (text: Buffer) => {
      words += text.toString()
    })
    const fail = (reason: string) => reject(PlumbingFailed({ command: `a socket in ${namespace}`, reason }))
    child.on('error', error => fail(error.message))
    child.on('message', (_word, handle) => {
      if (handle instanceof Server) resolve(handle)
    })
    child.on('close', () => fail(words.trim()))
  })
}

export class Doors {
  readonly #log: Log
  readonly #onConnection: OnConnection
  readonly #open = new Map<string, Door>()
  readonly #queue = new SerialQueue()
  readonly #closing = new AbortController()
  #wanted: readonly WantedDoor[] = []

  constructor(log: Log, onConnection: OnConnection) {
    this.#log = log
    this.#onConnection = onConnection
  }

  /** A socket would keep a namespace alive that is to go. */
  closeOthers(wanted: readonly WantedDoor[]): void {
    this.#wanted = wanted
    const names = new Set(wanted.map(({ namespace }) => namespace))
    for (const name of [...this.#open.keys()].filter(item => !names.has(item))) this.#close(name)
  }

  /** Opens what is wanted and not open; one that cannot be opened is tried again at the next call. */
  open(): void {
    if (this.#queue.length > 1) return
    this.#queue
      .run(async () => {
        for (const { namespace, place } of this.#wanted) {
          if (!this.#isWanted(namespace)) continue
          await this.#ensure(namespace, place).catch((error: unknown) => {
            if (this.#isWanted(namespace))
              this.#log.warn({ err: error, namespace }, 'guests do not reach the metadata service')
          })
        }
      })
      .catch(() => undefined)
  }

  async #ensure(namespace: string, place: Place): Promise<void> {
    const identity = await namespaceIdentity(namespace)
    const known = this.#open.get(namespace)
    if (identity === undefined || known?.identity === identity) return
    this.#close(namespace)
    const server = await openIn(namespace, this.#closing.signal)
    if (!this.#isWanted(namespace)) {
      server.close()
      return
    }
    server.on('connection', (socket: Socket) => this.#onConnection(socket, place))
    server.on('error', error => this.#log.warn({ err: error, namespace }, 'a listening socket failed'))
    this.#open.set(namespace, { server, identity })
  }

  /** Meanwhile it may have gone. */
  #isWanted(namespace: string): boolean {
    return this.#wanted.some(wanted => wanted.namespace === namespace)
  }

  #close(namespace: string): void {
    this.#open.get(namespace)?.server.close()
    this.#open.delete(namespace)
  }

  async close(): Promise<void> {
    this.closeOthers([])
    // Whoever stops the control plane does not wait for a helper to start.
    this.#closing.abort()
    await this.#queue.run(async () => undefined)
  }
}
