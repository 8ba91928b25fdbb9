import { readFileSync } from 'node:fs'
import { waitFor } from '#base'
import type { Ready } from './cloud.ts'

/** As far as these tests look at one. */
export interface Server {
  readonly id: string
  readonly status: string
  readonly fault?: { message: string }
  readonly image: { readonly id: string }
  readonly addresses: Readonly<Record<string, readonly { addr: string }[]>>
  readonly 'OS-EXT-STS:task_state': string | null
  readonly 'OS-EXT-STS:power_state': number
}

type Service = 'compute' | 'volumev3' | 'image' | 'network' | 'identity'

/** Requests to a cloud, by default the administrator's, without the seconds that a client takes to start. */
export class CloudApi {
  readonly #token: string
  readonly #endpoints: ReadonlyMap<string, string>

  private constructor(token: string, endpoints: ReadonlyMap<string, string>) {
    this.#token = token
    this.#endpoints = endpoints
  }

  /** The administrator, or somebody else by his name in a project of the same name. */
  static async open(ready: Ready, other?: { name: string; password: string }): Promise<CloudApi> {
    const yaml = readFileSync(ready.clouds_yaml, 'utf8')
    const word = (name: string) => new RegExp(`${name}: "?([^"\\n]+)"?`).exec(yaml)?.[1] ?? ''
    const domain = { name: 'Default' }
    const user = { ...(other ?? { name: word('username'), password: word('password') }), domain }
    const auth = {
      identity: { methods: ['password'], password: { user } },
      scope: { project: { name: other?.name ?? word('project_name'), domain } },
    }
    const reply = await fetch(`${word('auth_url')}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
    type Catalog = { type: string; endpoints: { interface: string; url: string }[] }[]
    const { token } = (await reply.json()) as { token: { catalog: Catalog } }
    const endpoints = token.catalog.map(({ type, endpoints: all }) => {
      const url = all.find(endpoint => endpoint.interface === 'public')?.url ?? ''
      return [type, url] as const
    })
    return new CloudApi(reply.headers.get('x-subject-token') ?? '', new Map(endpoints))
  }

  /** Throws with the answer when it is an error. */
  async call<T = Record<string, never>>(service: Service, method: string, path: string, json?: unknown): Promise<T> {
    const reply = await fetch(`${this.#endpoints.get(service)}${path}`, {
      method,
      headers: {
        'x-auth-token': this.#token,
        'openstack-api-version': service === 'compute' ? 'compute 2.95' : 'volume 3.64',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const text = await reply.text()
    if (reply.status >= 400) throw new Error(`${method} ${path}: ${reply.status} ${text}`)
    return (text === '' ? {} : JSON.parse(text)) as T
  }

  /** True once the path answers 404. */
  async isGone(service: Service, path: string): Promise<true | undefined> {
    try {
      await this.call(service, 'GET', path)
      return undefined
    } catch (error) {
      if (String(error).includes(': 404 ')) return true
      throw error
    }
  }

  async server(id: string): Promise<Server> {
    return (await this.call<{ server: Server }>('compute', 'GET', `/servers/${id}`)).server
  }

  /** The server once it is ACTIVE; fails at once when it is ERROR instead. */
  whenActive(id: string): Promise<Server> {
    const isActive = async () => {
      const found = await this.server(id)
      if (found.status === 'ERROR') throw new Error(found.fault?.message)
      return found.status === 'ACTIVE' ? found : undefined
    }
    return waitFor(`server ${id} to be active`, isActive, { deadlineMs: 180_000, everyMs: 200 })
  }

  async makeVolume(sizeGiB: number, more: Record<string, unknown> = {}): Promise<string> {
    const wish = { volume: { size: sizeGiB, ...more } }
    const { volume } = await this.call<{ volume: { id: string } }>('volumev3', 'POST', '/volumes', wish)
    await this.whenVolume(volume.id, 'available')
    return volume.id
  }

  async volume(id: string): Promise<{ status: string; size: number }> {
    return (await this.call<{ volume: { status: string; size: number } }>('volumev3', 'GET', `/volumes/${id}`)).volume
  }

  async whenVolume(id: string, status: string): Promise<void> {
    const isSo = async () => {
      const found = (await this.volume(id)).status
      if (found.startsWith('error') && status !== found) throw new Error(`volume ${id} is ${found}`)
      return found === status ? true : undefined
    }
    await waitFor(`volume ${id} to be ${status}`, isSo, { deadlineMs: 120_000, everyMs: 100 })
  }
}
