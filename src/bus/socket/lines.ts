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
    await new Promise<void>(resolve => {
      const done = () => {
        socket.off('drain', done)
        socket.off('close', done)
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }
}
