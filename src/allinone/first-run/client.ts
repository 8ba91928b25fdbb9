import { request } from 'undici'
import { declareFault, fromJson } from '#base'
import { loopback, type Ports } from '../ports.ts'

export const CloudRefused = declareFault(
  'CloudRefused',
  'final',
  (p: { what: string; status: number; text: string }) => `${p.what} was answered with ${p.status}: ${p.text}`,
)

type Service = 'compute' | 'image' | 'network'

const prefixes: Record<Service, string> = { compute: '/v2.1', image: '/v2', network: '/v2.0' }

/** The administrator at the public APIs: a new cloud is furnished as a user would do it. */
export class CloudClient {
  readonly #ports: Ports
  readonly #token: string

  private constructor(ports: Ports, token: string) {
    this.#ports = ports
    this.#token = token
  }

  static async login(ports: Ports, password: string): Promise<CloudClient> {
    const user = { name: 'admin', domain: { id: 'default' }, password }
    const scope = { project: { name: 'admin', domain: { id: 'default' } } }
    const auth = { identity: { methods: ['password'], password: { user } }, scope }
    const { statusCode, headers, body } = await request(`http://${loopback}:${ports.identity}/v3/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
    const text = await body.text()
    const token = headers['x-subject-token']
    if (typeof token !== 'string') throw CloudRefused({ what: 'logging in as admin', status: statusCode, text })
    return new CloudClient(ports, token)
  }

  async call<T>(service: Service, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, json?: unknown): Promise<T> {
    const { statusCode, body } = await request(
      `http://${loopback}:${this.#ports[service]}${prefixes[service]}${path}`,
      {
        method,
        headers: {
          'x-auth-token': this.#token,
          'content-type': 'application/json',
          ...(service === 'compute' ? { 'openstack-api-version': 'compute 2.90' } : {}),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      },
    )
    const text = await body.text()
    if (statusCode >= 400)
      throw CloudRefused({ what: `${method} ${path}`, status: statusCode, text: text.slice(0, 500) })
    return (text === '' ? undefined : fromJson<T>(text)) as T
  }

  /** Sends an image's bits. */
  async upload(imageId: string, bits: AsyncIterable<Uint8Array>): Promise<void> {
    const { statusCode, body } = await request(`http://${loopback}:${this.#ports.image}/v2/images/${imageId}/file`, {
      method: 'PUT',
      headers: { 'x-auth-token': this.#token, 'content-type': 'application/octet-stream' },
      body: bits as never,
    })
    const text = await body.text()
    if (statusCode >= 400)
      throw CloudRefused({ what: 'uploading the image', status: statusCode, text: text.slice(0, 500) })
  }
}
