import { connect, type Socket } from 'node:net'
import { type Clock, type Fault, faultFromRecord, fromJson } from '#base'
import { encode } from '../codec.ts'
import type { CallContext } from '../contract.ts'
import { Lines } from './lines.ts'
import type { AnswerMessage, CallMessage } from './messages.ts'

/** The server has not taken the call: another may, as if it had never been sent. */
export class NotTaken extends Error {}

interface Waiting {
  resolve(result: unknown): void
  reject(error: Fault | NotTaken): void
  cancelTimer(): void
}

/** Calls to one server over one socket: many in flight, answers in any order. */
export class Connection {
  readonly #socket: Socket
  readonly #lines: Lines
  readonly #clock: Clock
  readonly #gone: (detail: string) => Fault
  readonly #onClose: () => void
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  /** Messages that wait for the server to keep up are sent in the order of the calls. */
  #sending: Promise<void> = Promise.resolve()
  isOpen = true

  private constructor(socket: Socket, clock: Clock, gone: (detail: string) => Fault, onClose: () => void) {
    this.#socket = socket
    this.#clock = clock
    this.#gone = gone
    this.#onClose = onClose
    this.#lines = new Lines(socket, line => this.#take(line))
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#close())
  }

  /** Rejects with the system's error when nobody listens. */
  static open(
    path: string,
    parts: { clock: Clock; gone: (detail: string) => Fault; onClose: () => void },
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket, parts.clock, parts.gone, parts.onClose))
      })
    })
  }

  call(method: string, args: unknown, context: CallContext, timeoutMs: number): Promise<unknown> {
    const id = ++this.#lastId
    const { key, requestId } = context
    const message: CallMessage = {
      id,
      method,
      args: args ?? null,
      ...(key === undefined ? {} : { key }),
      ...(requestId === undefined ? {} : { requestId }),
    }
    const line = encode(message)
    return new Promise((resolve, reject) => {
      if (!this.isOpen) return reject(new NotTaken())
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(id)
        reject(this.#gone(`no answer to ${method} in ${timeoutMs} ms`))
      })
      this.#waiting.set(id, { resolve, reject, cancelTimer })
      // A call whose time ran out while it waited to be sent is not sent at all.
      this.#sending = this.#sending.then(() => (this.#waiting.has(id) ? this.#lines.send(line) : undefined))
    })
  }

  destroy(): void {
    this.#socket.destroy()
    this.#close()
  }

  #take(line: string): void {
    let answer: AnswerMessage
    try {
      answer = fromJson(line)
    } catch {
      this.#socket.destroy()
      return
    }
    if ('isGone' in answer) this.#leave()
    const waiting = this.#waiting.get(answer.id)
    // Too late: whoever asked was told so.
    if (waiting !== undefined) {
      this.#waiting.delete(answer.id)
      waiting.cancelTimer()
      if ('fault' in answer) waiting.reject(faultFromRecord(answer.fault))
      else if ('isGone' in answer) waiting.reject(new NotTaken())
      else waiting.resolve(answer.result)
    }
    if (!this.isOpen && this.#waiting.size === 0) this.#socket.destroy()
  }

  /** No more calls from here; those in flight still get their answers. */
  #leave(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.#onClose()
  }

  #close(): void {
    this.#leave()
    for (const { reject, cancelTimer } of this.#waiting.values()) {
      cancelTimer()
      reject(this.#gone('the server went away during the call'))
    }
    this.#waiting.clear()
  }
}
