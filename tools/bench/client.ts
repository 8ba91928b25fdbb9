import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Pool } from 'undici'
import { fromJson } from '#base'
import type { Ready } from './control-plane.ts'

export type Service = keyof Ready['urls']

const microversion = 'compute 2.90'

/** The administrator of a cloud, over kept-alive connections. */
export class Client {
  readonly token: string
  readonly projectId: string
  readonly #urls: Ready['urls']
  readonly #pools = new Map<string, Pool>()

  private constructor(urls: Ready['urls'], token: string, projectId: string) {
    this.#urls = urls
    this.token = token
    this.projectId = projectId
  }

  static async login({ urls, state }: Ready): Promise<Client> {
    const { adminPassword } = fromJson<{ adminPassword: string }>(readFileSync(join(state, 'secrets.json'), 'utf8'))
    const user = { name: 'admin', domain: { id: 'default' }, password: adminPassword }
    const scope = { project: { name: 'admin', domain: { id: 'default' } } }
    const response = await fetch(`${urls.identity}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth: { identity: { methods: ['password'], password: { user } }, scope } }),
    })
    const { token } = (await response.json()) as { token: { project: { id: string } } }
    return new Client(urls, response.headers.get('x-subject-token') ?? '', token.project.id)
  }

  get headers(): Record<string, string> {
    return { 'x-auth-token': this.token, 'content-type': 'application/json', 'openstack-api-version': microversion }
  }

  urlOf(service: Service, path: string): string {
    return `${this.#urls[service]}${path}`
  }

  /** The body as it came; throws unless the answer is a success. */
  async text(service: Service, method: string, path: string, body?: unknown): Promise<string> {
    const url = new URL(this.urlOf(service, path))
    const pool = this.#pools.get(url.origin) ?? new Pool(url.origin, { connections: 64 })
    this.#pools.set(url.origin, pool)
    const answer = await pool.request({
      method: method as 'GET',
      path: `${url.pathname}${url.search}`,
      headers: Buffer.isBuffer(body) ? { ...this.headers, 'content-type': 'application/octet-stream' } : this.headers,
      ...(body === undefined ? {} : { body: Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 300)}`)
    return text
  }

  async call<T>(service: Service, method: string, path: string, body?: unknown): Promise<T> {
    return fromJson<T>((await this.text(service, method, path, body)) || 'null')
  }

  async close(): Promise<void> {
    for (const pool of this.#pools.values()) await pool.close()
  }
}
