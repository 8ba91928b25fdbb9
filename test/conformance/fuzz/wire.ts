import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { Answer } from '../../api/answer.ts'

export interface Sent {
  readonly method: string
  /** With mount and query, already escaped: goes out as it is. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
}

/** Only to tell a hang from an answer. */
const deadlineMs = 30_000

/** Sends what `fetch` would tidy up or refuse. */
export class Wire {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })

  constructor(url: string) {
    this.#url = new URL(url)
  }

  send({ method, path, headers, body }: Sent): Promise<Answer> {
    const { hostname, port } = this.#url
    return new Promise((resolve, reject) => {
      const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
      const out = request({ hostname, port, method, path, agent: this.#agent, headers: { ...headers, ...length } })
      const late = setTimeout(() => out.destroy(new Error(`no answer: ${method} ${path.slice(0, 300)}`)), deadlineMs)
      out.on('error', reject).on('close', () => clearTimeout(late))
      out.on('response', incoming => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject)
        incoming.on('end', () => {
          const seen = new Headers()
          for (const [name, value] of Object.entries(incoming.headers)) seen.set(name, String(value))
          resolve(new Answer(incoming.statusCode ?? 0, seen, Buffer.concat(chunks).toString()))
        })
      })
      out.end(body)
    })
  }

  /** Bytes that are no proper HTTP; what came back until the server hung up, or said all it had to say. */
  raw(bytes: string | Buffer): Promise<string> {
    const { hostname, port } = this.#url
    return new Promise((resolve, reject) => {
      let text = ''
      const socket = connect(Number(port), hostname, () => socket.write(bytes))
      const late = setTimeout(
        () => socket.destroy(new Error(`no answer to ${String(bytes).slice(0, 200)}`)),
        deadlineMs,
      )
      socket.on('data', chunk => {
        text += chunk.toString('latin1')
        if (/^HTTP\/1\.1 \d{3} [^]*\r\n\r\n/.test(text)) socket.end()
      })
      socket.on('error', error => ((error as { code?: string }).code === 'ECONNRESET' ? resolve(text) : reject(error)))
      socket.on('close', () => {
        clearTimeout(late)
        resolve(text)
      })
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
