import type { Socket } from 'node:net'

/** The longest message; one that grows beyond it ends the connection instead of the process. */
const maxLineChars = 64 * 1024 * 1024

/**
 * JSON lines on a socket, both ways. `send` resolves when the other side keeps up: whoever awaits it cannot fill the memory.
 */
export class Lines {
  readonly #socket: Socket
  #pieces: string[] = []
  #pieceChars = 0
  #draining: Promise<void> | undefined

  constructor(socket: Socket, onLine: (line: string) => void) {
    this.#socket = socket
    socket.setEncoding('utf8')
    socket.on('data', chunk => this.#take(String(chunk), onLine))
  }

  #take(chunk: string, onLine: (line: string) => void): void {
    let from = 0
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      const line = this.#pieces.join('') + chunk.slice(from, end)
      this.#pieces = []
      this.#pieceChars = 0
      from = end + 1
      onLine(line)
    }
    if (from === chunk.length) return
    this.#pieces.push(chunk.slice(from))
    this.#pieceChars += chunk.length - from
    if (this.#pieceChars > maxLineChars) this.#socket.destroy(new Error('message too long'))
  }

  async send(line: string): Promise<void> {
    const socket = this.#socket
    // A socket that is gone tells so by its `close`; what was to be sent has no reader any more.
    if (socket.destroyed || !socket.writable) return
    if (socket.write(`${line}\n`)) return
    await this.#drained()
  }

  /** One pair of listeners for all who wait. */
  #drained(): Promise<void> {
    this.#draining ??= new Promise(resolve => {
      const done = () => {
        this.#draining = undefined
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.on('drain', done)
      this.#socket.on('close', done)
    })
    return this.#draining
  }
}
