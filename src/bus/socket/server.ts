import { renameSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { faultRecord, fromJson } from '#base'
import { encode } from '../codec.ts'
import type { CallContext } from '../contract.ts'
import { NoServer } from '../no-server.ts'
import { Lines } from './lines.ts'
import type { AnswerMessage, CallMessage } from './messages.ts'

export type Handler = (args: unknown, context: CallContext) => Promise<unknown>

export interface Served {
  readonly topic: string
  readonly server: string
  readonly handlers: Readonly<Record<string, Handler>>
}

/** Calls of one connection that run at a time; beyond it nothing more is read, and the caller's own queue fills. */
const maxRunning = 1024

class Caller {
  readonly #socket: Socket
  readonly #lines: Lines
  readonly #served: Served
  readonly #isStopping: () => boolean
  #running = 0

  constructor(socket: Socket, served: Served, isStopping: () => boolean) {
    this.#socket = socket
    this.#served = served
    this.#isStopping = isStopping
    this.#lines = new Lines(socket, line => void this.#take(line))
    socket.on('error', () => socket.destroy())
  }

  /** Running calls still answer, later ones are sent elsewhere; the caller hangs up when it has all answers. */
  sayGoodbye(): void {
    void this.#lines.send(encode({ id: 0, isGone: true } satisfies AnswerMessage))
  }

  async #take(line: string): Promise<void> {
    this.#running++
    if (this.#running >= maxRunning) this.#socket.pause()
    try {
      const call = fromJson<CallMessage>(line)
      await this.#lines.send(encode(await this.#answer(call)))
    } catch (error) {
      // Not one of our callers: nothing sensible can be answered.
      this.#socket.destroy(error instanceof Error ? error : undefined)
    } finally {
      this.#running--
      if (this.#running < maxRunning) this.#socket.resume()
    }
  }

  async #answer({ id, method, args, key, requestId }: CallMessage): Promise<AnswerMessage> {
    const { topic, server, handlers } = this.#served
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined
    if (this.#isStopping()) return { id, isGone: true }
    if (handler === undefined) return { id, fault: faultRecord(NoServer({ topic, server })) }
    const context = { ...(key === undefined ? {} : { key }), ...(requestId === undefined ? {} : { requestId }) }
    try {
      return { id, result: (await handler(args, context)) ?? null }
    } catch (error) {
      return { id, fault: faultRecord(error) }
    }
  }
}

/** One served name on one socket file. */
export class SocketServer {
  readonly #server: Server
  readonly #sockets = new Map<Socket, Caller>()
  readonly path: string
  #isStopping = false

  constructor(path: string, served: Served) {
    this.path = path
    this.#server = createServer(socket => {
      this.#sockets.set(socket, new Caller(socket, served, () => this.#isStopping))
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  /**
   * The file appears under its name only when calls are taken: one that refuses them is removed by whoever meets it, as
   * the leftover of a dead process.
   */
  async listen(): Promise<void> {
    const making = join(dirname(this.path), `.${process.pid}.${this.path.slice(-13)}`)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(making, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
    if (this.#isStopping) return
    renameSync(making, this.path)
  }

  /** Takes no more calls; running ones still answer. */
  stop(): void {
    this.#isStopping = true
    rmSync(this.path, { force: true })
    this.#server.close()
    for (const caller of this.#sockets.values()) caller.sayGoodbye()
  }

  destroy(): void {
    this.stop()
    for (const socket of this.#sockets.keys()) socket.destroy()
  }
}
