import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '#cloud'
import type { ApiParts } from './api-parts.ts'
import type { CompiledEndpoint, Cut } from './compiled.ts'
import type { Target } from './context.ts'
import { Links, linkBase } from './links.ts'
import { parseQuery, type RawQuery } from './query.ts'
import type { Site } from './router.ts'
import { minVersion, type Version } from './version.ts'

const requestIdForm = /^req-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$/

/** One request on its way through the pipeline; each stage fills in what the later ones need. */
export class Exchange {
  readonly parts: ApiParts
  readonly http: FastifyRequest
  readonly out: FastifyReply
  readonly queryText: string
  /** `/v2.1` or `/v2`. */
  readonly mount: string
  /** The words of the path below the mount. */
  words: readonly string[]
  projectInUrl: string | undefined
  callerOrNone: Caller | undefined
  service: Caller | undefined
  version: Version = minVersion
  site: Site | undefined
  values: readonly string[] = []
  endpoint: CompiledEndpoint | undefined
  rawBody: unknown = undefined
  query: unknown = undefined
  body: unknown = undefined
  envelope: unknown = undefined
  guarded: ReadonlySet<string> = new Set()
  result: unknown = undefined
  status: number | undefined
  /** What the handler last asked policy about; guarded reply fields are decided by it. */
  target: Target | undefined
  isAllowed = false

  constructor(parts: ApiParts, http: FastifyRequest, out: FastifyReply, mount: string, words: readonly string[]) {
    this.parts = parts
    this.http = http
    this.out = out
    this.mount = mount
    this.words = words
    const at = http.url.indexOf('?')
    this.queryText = at < 0 ? '' : http.url.slice(at + 1)
  }

  header(name: string): string | undefined {
    const value = this.http.headers[name]
    return Array.isArray(value) ? value.join(',') : value
  }

  get caller(): Caller {
    if (this.callerOrNone === undefined) throw new Error('the request has not been identified')
    return this.callerOrNone
  }

  get found(): CompiledEndpoint {
    if (this.endpoint === undefined) throw new Error('the request has not been routed')
    return this.endpoint
  }

  get cut(): Cut {
    return this.found.at(this.version)
  }

  #rawQuery: RawQuery | undefined
  get rawQuery(): RawQuery {
    this.#rawQuery ??= parseQuery(this.queryText)
    return this.#rawQuery
  }

  #links: Links | undefined
  get links(): Links {
    this.#links ??= new Links({
      base: baseOf(this.parts, this.http),
      mount: this.mount,
      project: this.projectInUrl === undefined ? '' : `/${this.projectInUrl}`,
    })
    return this.#links
  }

  get globalRequestId(): string | undefined {
    const id = this.header('x-openstack-request-id')
    return id !== undefined && requestIdForm.test(id) ? id : undefined
  }
}

const hostForm = /^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/

/** Scheme and host as the client wrote them, or as the operator wants them. */
export function baseOf({ options }: ApiParts, http: FastifyRequest): string {
  const forwarded = (name: string): string | undefined => {
    const value = options.trustProxyHeaders === true ? http.headers[name] : undefined
    return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim()
  }
  const named = forwarded('x-forwarded-host') ?? http.headers.host ?? ''
  // What is no host name would make links that are no links.
  const host = hostForm.test(named) ? named : 'localhost'
  return linkBase(forwarded('x-forwarded-proto') ?? http.protocol, host, options.computeLinkPrefix)
}
