import { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import { type Clock, Fault, isTransient, retry } from '#base'
import { NeighbourUnavailable } from './faults.ts'
import { currentRequestId } from './request-id.ts'

export interface Tls {
  /** PEM texts. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly isInsecure?: boolean
}

export interface HttpOptions {
  readonly clock: Clock
  /** Of a whole call, repeats included; of a download up to its first byte, and then between any two. */
  readonly timeoutMs?: number
  /** How often a call that may be repeated is tried when nobody answers. */
  readonly attempts?: number
  readonly retryDelayMs?: number
  /** Sockets per origin; more calls wait. */
  readonly connections?: number
  readonly tls?: Tls
}

export interface HttpRequest {
  /** As faults name it: `image`. */
  readonly service: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  /** Doing it twice is as good as once; default for all but POST. */
  readonly isRepeatable?: boolean
}

export interface HttpReply {
  readonly status: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly text: string
  /** For the detail of a fault: what was asked, and under which id the neighbour logged it. */
  readonly place: string
}

/** Five seconds of idleness is what most servers allow; a little less, and no request meets a closing socket. */
const keepAliveMs = 4_000
const connectMs = 5_000
const overloaded = new Set([429, 502, 503, 504])
/** The request never left: trying again is always safe. */
const unsent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
])

export const header = (reply: Pick<HttpReply, 'headers'>, name: string): string | undefined => {
  const value = reply.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The body as the neighbour's documents promise it. */
export function bodyOf<T>(reply: HttpReply): T {
  try {
    return JSON.parse(reply.text) as T
  } catch (error) {
    const detail = `${reply.place}: not JSON: ${reply.text.slice(0, 200)}`
    throw NeighbourUnavailable({ service: 'neighbouring' }, { detail, cause: error })
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/**
 * Pooled connections to the neighbours: one pool per origin, a deadline for every call, repeats only where they are safe.
 * Answers of any status below 500 are given back; nobody there, too busy and broken gateways are one transient fault.
 */
export class HttpClient {
  readonly #pools = new Map<string, Pool>()
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #attempts: number
  readonly #retryDelayMs: number
  readonly #options: HttpOptions

  constructor(options: HttpOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#timeoutMs = options.timeoutMs ?? 60_000
    this.#attempts = options.attempts ?? 3
    this.#retryDelayMs = options.retryDelayMs ?? 200
  }

  /** The whole answer. */
  send(request: HttpRequest): Promise<HttpReply> {
    return this.#call(request, async (answer, place) => {
      const text = await answer.body.text()
      return { status: answer.statusCode, headers: answer.headers, text, place }
    })
  }

  /** The answer as it comes in; any status but 200 is read whole. */
  download(request: HttpRequest): Promise<HttpReply & { readonly body: AsyncIterable<Uint8Array> | undefined }> {
    return this.#call(request, async (answer, place) => {
      const head = { status: answer.statusCode, headers: answer.headers, place }
      if (answer.statusCode !== 200) return { ...head, text: await answer.body.text(), body: undefined }
      return { ...head, text: '', body: this.#chunks(answer.body, request, place) }
    })
  }

  /** Sends a stream of any length, once; the deadline counts from the chunk that went last. */
  async upload(request: HttpRequest, bits: AsyncIterable<Uint8Array>): Promise<HttpReply> {
    const place = `${request.method} ${request.url}`
    const late = new AbortController()
    const arm = () =>
      this.#clock.after(this.#timeoutMs, () =>
        late.abort(this.#unavailable(request, `${place}: no progress in ${this.#timeoutMs} ms`)),
      )
    let cancel = arm()
    let brokenBy: unknown
    const passing = async function* () {
      try {
        for await (const chunk of bits) {
          cancel()
          cancel = arm()
          yield chunk
        }
      } catch (error) {
        brokenBy = error
        throw error
      }
    }
    const read = async (answer: Dispatcher.ResponseData, at: string) => {
      const text = await answer.body.text()
      return { status: answer.statusCode, headers: answer.headers, text, place: at }
    }
    try {
      return await this.#once(request, place, late.signal, read, Readable.from(passing()))
    } catch (error) {
      // The source's own failure says more than that the connection was cut.
      throw brokenBy ?? error
    } finally {
      cancel()
    }
  }

  /** Cuts running calls off. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map(pool => pool.destroy()))
    this.#pools.clear()
  }

  async #call<T>(
    request: HttpRequest,
    read: (answer: Dispatcher.ResponseData, place: string) => Promise<T>,
  ): Promise<T> {
    const place = `${request.method} ${request.url}`
    const late = new AbortController()
    const cancel = this.#clock.after(this.#timeoutMs, () =>
      late.abort(this.#unavailable(request, `${place}: no answer in ${this.#timeoutMs} ms`)),
    )
    const isRepeatable = request.isRepeatable ?? request.method !== 'POST'
    try {
      return await retry(() => this.#once(request, place, late.signal, read), {
        attempts: this.#attempts,
        delayMs: this.#retryDelayMs,
        clock: this.#clock,
        signal: late.signal,
        when: error => isTransient(error) && (isRepeatable || isUnsent(error)),
      })
    } finally {
      cancel()
    }
  }

  async #once<T>(
    request: HttpRequest,
    place: string,
    signal: AbortSignal,
    read: (answer: Dispatcher.ResponseData, place: string) => Promise<T>,
    bits?: Readable,
  ): Promise<T> {
    const { origin, pathname, search } = new URL(request.url)
    const requestId = currentRequestId()
    try {
      const answer = await (await this.#pool(origin)).request({
        method: request.method,
        path: pathname + search,
        headers: {
          accept: 'application/json',
          ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...(bits === undefined ? {} : { 'content-type': 'application/octet-stream' }),
          ...(requestId === undefined ? {} : { 'x-openstack-request-id': requestId }),
          ...request.headers,
        },
        body: bits ?? (request.json === undefined ? null : JSON.stringify(request.json)),
        signal,
      })
      const remoteId = header(answer, 'x-openstack-request-id')
      const at = remoteId === undefined ? place : `${place} (${remoteId})`
      if (!overloaded.has(answer.statusCode)) return await read(answer, at)
      await answer.body.dump()
      throw this.#unavailable(request, `${at}: status ${answer.statusCode}`)
    } catch (error) {
      if (error instanceof Fault) throw error
      // A header or path that cannot be sent is our mistake and no outage.
      if (codeOf(error) === 'UND_ERR_INVALID_ARG') throw error
      throw this.#unavailable(request, `${place}: ${codeOf(error)} ${String(error)}`, error)
    }
  }

  async *#chunks(body: AsyncIterable<Uint8Array>, request: HttpRequest, place: string): AsyncGenerator<Uint8Array> {
    try {
      yield* body
    } catch (error) {
      throw this.#unavailable(request, `${place}: broken off: ${String(error)}`, error)
    }
  }

  #unavailable({ service }: HttpRequest, detail: string, cause?: unknown): Fault {
    return NeighbourUnavailable({ service }, { detail, ...(cause === undefined ? {} : { cause }) })
  }

  async #pool(origin: string): Promise<Pool> {
    // A cloud in one process has no neighbours over HTTP, and starts without the tenth of a second that this costs.
    const { Pool } = await import('undici')
    const known = this.#pools.get(origin)
    if (known !== undefined) return known
    const { tls = {}, connections } = this.#options
    const pool = new Pool(origin, {
      connections: connections ?? 32,
      keepAliveTimeout: keepAliveMs,
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      connect: {
        timeout: Math.min(connectMs, this.#timeoutMs),
        ...(tls.ca === undefined ? {} : { ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert }),
        ...(tls.key === undefined ? {} : { key: tls.key }),
        ...(tls.isInsecure === true ? { rejectUnauthorized: false } : {}),
      },
    })
    this.#pools.set(origin, pool)
    return pool
  }
}

function isUnsent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  // A name with several addresses fails with all of their errors at once.
  if (cause instanceof AggregateError) return cause.errors.every(each => unsent.has(codeOf(each)))
  return unsent.has(codeOf(cause))
}
