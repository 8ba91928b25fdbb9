/** Somebody who is logged in, and asks the services of the catalogue as any client does. */
interface TokenDocument {
  readonly token: {
    readonly user: { readonly id: string }
    readonly project?: { readonly id: string }
    readonly catalog?: readonly {
      readonly type: string
      readonly endpoints: readonly { readonly interface: string; readonly url: string }[]
    }[]
  }
}

export class Rest {
  readonly token: string
  readonly userId: string
  readonly projectId: string
  readonly #urls: ReadonlyMap<string, string>

  constructor(token: string, { token: document }: TokenDocument) {
    this.token = token
    this.userId = document.user.id
    this.projectId = document.project?.id ?? ''
    // A service may be there without an endpoint.
    this.#urls = new Map(
      (document.catalog ?? []).flatMap(({ type, endpoints }) => {
        const url = endpoints.find(endpoint => endpoint.interface === 'public')?.url
        return url === undefined ? [] : [[type, url.replace(/\/$/, '')] as const]
      }),
    )
  }

  /** `keystoneUrl` with or without `/v3`; user and project of domain Default by name. */
  static login(keystoneUrl: string, user: string, password: string, project: string): Promise<Rest> {
    const domain = { id: 'default' }
    const identity = { methods: ['password'], password: { user: { name: user, domain, password } } }
    return Rest.authenticate(keystoneUrl, { identity, scope: { project: { name: project, domain } } })
  }

  /** With any `auth` that Keystone takes. */
  static async authenticate(keystoneUrl: string, auth: unknown): Promise<Rest> {
    const v3 = `${keystoneUrl.replace(/\/(v3\/?)?$/, '')}/v3`
    const reply = await fetch(`${v3}/auth/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ auth }),
    })
    const text = await reply.text()
    const token = reply.headers.get('x-subject-token')
    if (token === null) throw new Error(`the login was answered with ${reply.status}: ${text}`)
    return new Rest(token, JSON.parse(text) as TokenDocument)
  }

  urlOf(type: string): string {
    const url = this.#urls.get(type)
    if (url === undefined) throw new Error(`the catalogue has no ${type}`)
    return url
  }

  /** The answer as it came. A body that is bytes travels as they are, another one as JSON. */
  async ask(type: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const isBytes = body instanceof Uint8Array
    return fetch(`${this.urlOf(type)}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        'x-auth-token': this.token,
        ...(body === undefined ? {} : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    })
  }

  /** The document of an answer that is a success; anything else is an error with the service's own words. */
  async call<T>(type: string, method: string, path: string, body?: unknown, headers?: Record<string, string>) {
    const reply = await this.ask(type, method, path, body, headers)
    const text = await reply.text()
    if (!reply.ok) throw new Error(`${method} ${type} ${path}: ${reply.status} ${text}`)
    return (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : undefined) as T
  }
}
