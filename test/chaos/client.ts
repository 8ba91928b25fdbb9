import { fromJson, newUuid, pause, waitFor } from '#base'

/** An answer of a foreign API, looked at field by field. */
export type Json = ReturnType<typeof JSON.parse>

export interface Reply {
  readonly status: number
  readonly body: Json
  readonly requestId: string
}

/** The answer never came: the request may have been taken or not. */
export class AnswerLost extends Error {}

export type Service = 'compute' | 'identity' | 'image' | 'network' | 'placement' | 'volume'

const versions: Partial<Record<Service, Readonly<Record<string, string>>>> = {
  compute: { 'openstack-api-version': 'compute 2.96' },
  placement: { 'openstack-api-version': 'placement 1.38' },
  volume: { 'openstack-api-version': 'volume 3.60' },
}

const patienceMs = 60_000

/** Nobody listened, so nothing was taken. */
const wasNotSent = (error: unknown): boolean => {
  const { cause } = error as { cause?: { code?: string } }
  return cause?.code === 'ECONNREFUSED'
}

/** An administrator who goes on while services die and come back. */
export class Client {
  readonly #urls: () => Readonly<Record<Service, string>>
  readonly #password: string
  #token = ''
  projectId = ''

  constructor(urls: () => Readonly<Record<Service, string>>, password: string) {
    this.#urls = urls
    this.#password = password
  }

  async login(): Promise<void> {
    const user = { name: 'admin', domain: { id: 'default' }, password: this.#password }
    const scope = { project: { name: 'admin', domain: { id: 'default' } } }
    const auth = { identity: { methods: ['password'], password: { user } }, scope }
    const reply = await fetch(`${this.#urls().identity}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
    const { token } = (await reply.json()) as Json
    this.#token = reply.headers.get('x-subject-token') ?? ''
    this.projectId = token.project.id
  }

  async #once(service: Service, method: string, path: string, body: unknown): Promise<Reply> {
    const requestId = `req-${newUuid()}`
    const reply = await fetch(`${this.#urls()[service]}${path}`, {
      method,
      headers: { 'x-auth-token': this.#token, 'content-type': 'application/json', ...versions[service] },
      signal: AbortSignal.timeout(patienceMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    const isJson = reply.headers.get('content-type')?.includes('json') === true && text !== ''
    return {
      status: reply.status,
      body: isJson ? fromJson<Json>(text) : text,
      requestId: reply.headers.get('x-openstack-request-id') ?? requestId,
    }
  }

  /** Sends it once: again only while nobody listens. */
  async send(service: Service, method: string, path: string, body?: unknown): Promise<Reply> {
    const end = performance.now() + patienceMs
    for (;;) {
      try {
        return await this.#once(service, method, path, body)
      } catch (error) {
        if (!wasNotSent(error)) throw new AnswerLost(`${method} ${path}`, { cause: error })
        if (performance.now() > end) throw error
        await pause(100)
      }
    }
  }

  /** A question: asked until it is answered with anything but a fault of the service. */
  async get(service: Service, path: string): Promise<Reply> {
    return waitFor(
      `an answer to GET ${path}`,
      async () => {
        try {
          const reply = await this.#once(service, 'GET', path, undefined)
          return reply.status >= 500 ? undefined : reply
        } catch {
          return undefined
        }
      },
      { deadlineMs: patienceMs, everyMs: 100 },
    )
  }

  /** The bits of an image. */
  async upload(imageId: string, bits: Buffer): Promise<void> {
    const reply = await fetch(`${this.#urls().image}/v2/images/${imageId}/file`, {
      method: 'PUT',
      headers: { 'x-auth-token': this.#token, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(bits),
    })
    if (!reply.ok) throw new Error(`the upload was answered with ${reply.status}`)
  }

  /** For furnishing, before anything dies. */
  async must(service: Service, method: string, path: string, body?: unknown): Promise<Json> {
    const reply = await this.send(service, method, path, body)
    if (reply.status >= 400)
      throw new Error(`${method} ${path} was answered with ${reply.status}: ${JSON.stringify(reply.body)}`)
    return reply.body
  }
}
