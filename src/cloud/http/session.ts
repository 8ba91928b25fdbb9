import { type Clock, minutes, seconds } from '#base'
import { type Caller } from '../keystone/port.ts'
import { bodyOf, type HttpClient, header } from './client.ts'
import { NeighbourFailed, refusal, ServiceCredentialsRefused } from './faults.ts'
import { type CatalogEntry, callerOf, type TokenDocument } from './token-document.ts'

interface Owner {
  readonly id: string | null
  readonly name: string | null
  readonly domainId: string | null
  readonly domainName: string | null
}

/** Whom we log in as, in keystoneauth's terms. */
export interface Credentials {
  /** With or without `/v3`. */
  readonly authUrl: string
  readonly user: Owner
  readonly password: string | null
  /** Without one the token has the scope of the system, or that of the application credential. */
  readonly project: Owner | null
  readonly applicationCredential: {
    readonly id: string | null
    readonly name: string | null
    readonly secret: string
  } | null
}

/** Which entry of the catalogue is meant. */
export interface EndpointChoice {
  /** Used instead of the catalogue. */
  readonly override?: string | null
  readonly serviceType: string
  readonly serviceName?: string | null
  /** In order of preference. */
  readonly interfaces: readonly string[]
  readonly region?: string | null
}

interface Login {
  readonly caller: Caller
  readonly catalog: readonly CatalogEntry[]
  readonly atMs: number
  readonly renewAtMs: number
}

const longestRenewBeforeMs = minutes(15)
/** An endpoint that is not there may have been added since the login; asked for anew no more often than this. */
const catalogRefreshMs = seconds(60)

const v3Of = (authUrl: string): string => `${authUrl.replace(/\/+$/, '').replace(/\/v(2\.0|3)$/, '')}/v3`

const domainOf = (owner: Owner) =>
  owner.domainId !== null ? { id: owner.domainId } : { name: owner.domainName ?? 'Default' }
const ownerOf = (owner: Owner) =>
  owner.id !== null ? { id: owner.id } : { name: owner.name ?? '', domain: domainOf(owner) }

function authOf({ user, password, project, applicationCredential }: Credentials) {
  if (applicationCredential !== null) {
    const { id, name, secret } = applicationCredential
    const named = id !== null ? { id, secret } : { name: name ?? '', secret, user: ownerOf(user) }
    return { identity: { methods: ['application_credential'], application_credential: named } }
  }
  return {
    identity: { methods: ['password'], password: { user: { ...ownerOf(user), password: password ?? '' } } },
    scope: project === null ? { system: { all: true } } : { project: ownerOf(project) },
  }
}

/** Our own token at Keystone: fetched once for all who wait, kept, renewed before it ends; and its catalogue. */
export class Session {
  readonly #http: HttpClient
  readonly #credentials: Credentials
  readonly #clock: Clock
  #current: Promise<Login> | undefined

  constructor(options: { http: HttpClient; credentials: Credentials; clock: Clock }) {
    this.#http = options.http
    this.#credentials = options.credentials
    this.#clock = options.clock
  }

  get keystoneUrl(): string {
    return v3Of(this.#credentials.authUrl)
  }

  async caller(): Promise<Caller> {
    return (await this.#login()).caller
  }

  async token(): Promise<string> {
    return (await this.caller()).token
  }

  /** Somebody was told that this token is not valid: the next call gets a new one. */
  async forget(token: string): Promise<void> {
    const known = this.#current
    const login = await known?.catch(() => undefined)
    if (login?.caller.token === token && this.#current === known) this.#current = undefined
  }

  /** The address without a slash at its end; undefined when the catalogue has none. */
  async endpoint(choice: EndpointChoice): Promise<string | undefined> {
    if (choice.override !== undefined && choice.override !== null) return choice.override.replace(/\/+$/, '')
    const login = await this.#login()
    const found = lookUp(login.catalog, choice)
    if (found !== undefined || login.atMs + catalogRefreshMs > this.#clock.now()) return found
    await this.forget(login.caller.token)
    return lookUp((await this.#login()).catalog, choice)
  }

  /** For faults. */
  get who(): string {
    const { user, applicationCredential: application } = this.#credentials
    if (application !== null) return `application credential ${application.name ?? application.id ?? ''}`
    return `user ${user.name ?? user.id ?? ''}`
  }

  async #login(): Promise<Login> {
    const known = this.#current
    const login = await known?.catch(() => undefined)
    if (login !== undefined && login.renewAtMs > this.#clock.now()) return login
    // Whoever comes first logs in, the others wait for the same answer.
    if (this.#current === known || this.#current === undefined) this.#current = this.#logIn()
    return this.#current
  }

  async #logIn(): Promise<Login> {
    const service = 'identity'
    const reply = await this.#http.send({
      service,
      method: 'POST',
      url: `${this.keystoneUrl}/auth/tokens`,
      json: { auth: authOf(this.#credentials) },
      isRepeatable: true,
    })
    if (reply.status === 401) throw ServiceCredentialsRefused({ service, who: this.who }, { detail: reply.place })
    if (reply.status >= 500) throw NeighbourFailed({ service, status: reply.status }, { detail: reply.place })
    const token = header(reply, 'x-subject-token')
    if (reply.status !== 201 || token === undefined) {
      throw refusal(reply.status, 'LoginRefused', `Keystone answered a login with ${reply.status}.`, reply.place)
    }
    const document = bodyOf<TokenDocument>(reply)
    const caller = callerOf(token, document)
    const atMs = this.#clock.now()
    const renewBeforeMs = Math.min(longestRenewBeforeMs, (caller.expiresAtMs - atMs) / 4)
    return { caller, catalog: document.token.catalog ?? [], atMs, renewAtMs: caller.expiresAtMs - renewBeforeMs }
  }
}

function lookUp(catalog: readonly CatalogEntry[], choice: EndpointChoice): string | undefined {
  const entries = catalog.filter(
    entry => entry.type === choice.serviceType && (choice.serviceName == null || entry.name === choice.serviceName),
  )
  const endpoints = entries
    .flatMap(entry => entry.endpoints)
    .filter(e => choice.region == null || (e.region_id ?? e.region) === choice.region)
  for (const wanted of choice.interfaces) {
    const found = endpoints.find(e => e.interface === wanted)
    if (found !== undefined) return found.url.replace(/\/+$/, '')
  }
  return undefined
}
