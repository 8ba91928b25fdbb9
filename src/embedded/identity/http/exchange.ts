import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Fault, isRecord, type Json, type JsonRecord, parseForeignJson } from '#base'
import type { Face } from '#http'
import { ForbiddenAction, Invalid, MissingAttribute, Unauthorized } from '../faults.ts'
import type { Passwords } from '../passwords.ts'
import type { IdentityState } from '../store/state.ts'
import type { TokenFacts, Tokens } from '../tokens.ts'
import { BodyReader, record } from './body.ts'

/** What every handler works with. */
export interface Parts {
  readonly face: Face
  readonly state: IdentityState
  readonly tokens: Tokens
  readonly passwords: Passwords
  readonly now: () => number
  /** `http://host:5000` for links; the address the request came to, unless the operator names one. */
  readonly baseUrl: (request: FastifyRequest) => string
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export const ok = (body: unknown): Answer => ({ status: 200, body })
export const created = (body: unknown): Answer => ({ status: 201, body })
export const noContent: Answer = { status: 204 }

export const headerOf = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The JSON object in a request's body; Keystone's 400 when it is not one. */
export function bodyOf(request: FastifyRequest): JsonRecord {
  const raw = request.body
  if (!Buffer.isBuffer(raw) || raw.length === 0) return {}
  let value: unknown
  try {
    value = parseForeignJson(raw.toString('utf8'))
  } catch {
    throw MissingAttribute({ attribute: 'valid JSON', target: 'request body' })
  }
  if (!isRecord(value)) throw MissingAttribute({ attribute: 'valid JSON object', target: 'request body' })
  return value
}

/** One authenticated request. */
export class Exchange {
  readonly parts: Parts
  readonly request: FastifyRequest
  readonly caller: TokenFacts
  readonly query: URLSearchParams

  constructor(parts: Parts, request: FastifyRequest, caller: TokenFacts) {
    this.parts = parts
    this.request = request
    this.caller = caller
    const at = request.url.indexOf('?')
    this.query = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1))
  }

  get state(): IdentityState {
    return this.parts.state
  }

  param(name: string): string {
    return (this.request.params as Record<string, string>)[name] ?? ''
  }

  /** The URL of a path under /v3, for links. */
  url(path: string): string {
    return `${this.parts.baseUrl(this.request)}/v3${path}`
  }

  body(member: string): BodyReader {
    return new BodyReader(record(bodyOf(this.request), member, 'request body'))
  }

  flag(name: string): boolean {
    const value = this.query.get(name)
    return value !== null && !['0', 'false', 'f', 'no', 'n', 'off'].includes(value.toLowerCase())
  }

  // Grounds for `allow`, as Keystone's default policy names them.

  get isAdmin(): boolean {
    return this.caller.roleNames.includes('admin')
  }

  get isService(): boolean {
    return this.caller.roleNames.includes('service')
  }

  get isSystemReader(): boolean {
    return this.caller.scope?.kind === 'system' && this.caller.roleNames.includes('reader')
  }

  isDomainReader(domainId: string | undefined): boolean {
    const { scope, roleNames } = this.caller
    return scope?.kind === 'domain' && scope.id === domainId && roleNames.includes('reader')
  }

  isUser(id: string): boolean {
    return this.caller.user.id === id
  }

  /** Goes on when any ground holds; the cloud's admin always may. */
  allow(action: string, ...grounds: readonly boolean[]): void {
    if (!this.isAdmin && !grounds.some(Boolean)) throw ForbiddenAction({ action: `identity:${action}` })
  }

  /** `{ "<collection>": [...], "links": ... }` of the rows that pass the query's filters. */
  list<Row extends object>(
    collection: string,
    rows: readonly Row[],
    view: (url: (path: string) => string, row: Row) => JsonRecord,
    filters: readonly string[] = [],
    path = `/${collection}`,
  ): Answer {
    const name = filters.includes('name') ? this.query.get('name') : null
    // Clients look things up by name all the time: leave the others out before they are rendered.
    const named = name === null ? rows : rows.filter(row => !('name' in row) || row.name === name)
    const url = (under: string) => this.url(under)
    const kept = applyFilters(
      named.map(row => view(url, row)),
      this.query,
      filters,
    )
    const at = this.request.url.indexOf('?')
    const self = this.url(path) + (at < 0 ? '' : this.request.url.slice(at))
    const limit = Number(this.query.get('limit') ?? Number.NaN)
    const cut = Number.isInteger(limit) && limit > 0 && kept.length > limit
    return ok({
      [collection]: cut ? kept.slice(0, limit) : kept,
      links: { next: null, self, previous: null },
      ...(cut ? { truncated: true } : {}),
    })
  }

  /** `{ "<member>": ... }` of one row. */
  one<Row>(
    status: number,
    member: string,
    view: (url: (path: string) => string, row: Row) => JsonRecord,
    row: Row,
  ): Answer {
    return { status, body: { [member]: view(path => this.url(path), row) } }
  }

  /** The domain of the token's scope, or the default one. */
  get homeDomainId(): string {
    return this.caller.scope?.kind === 'domain' ? this.caller.scope.id : 'default'
  }
}

const comparators: Readonly<Record<string, (text: string, wanted: string) => boolean>> = {
  contains: (text, wanted) => text.includes(wanted),
  icontains: (text, wanted) => text.toLowerCase().includes(wanted.toLowerCase()),
  startswith: (text, wanted) => text.startsWith(wanted),
  istartswith: (text, wanted) => text.toLowerCase().startsWith(wanted.toLowerCase()),
  endswith: (text, wanted) => text.endsWith(wanted),
  iendswith: (text, wanted) => text.toLowerCase().endsWith(wanted.toLowerCase()),
}

const isFalse = (wanted: string): boolean => ['0', 'false', 'f', 'no', 'n', 'off'].includes(wanted.toLowerCase())

function isEqual(value: Json | undefined, wanted: string): boolean {
  if (typeof value === 'boolean') return value === !isFalse(wanted)
  if (value === null || value === undefined) return wanted === '' || wanted.toLowerCase() === 'none'
  return String(value) === wanted
}

/** Keystone's list filters: `name=x`, `name__contains=x`; keys that are not filters are ignored. */
function applyFilters(
  items: readonly JsonRecord[],
  query: URLSearchParams,
  filters: readonly string[],
): readonly JsonRecord[] {
  let kept = items
  for (const [key, wanted] of query) {
    const [name = '', comparator] = key.split('__')
    if (!filters.includes(name)) continue
    const compare = comparator === undefined ? undefined : comparators[comparator]
    if (comparator !== undefined && compare === undefined) continue
    kept = kept.filter(item => {
      const value = item[name]
      return compare === undefined ? isEqual(value, wanted) : typeof value === 'string' && compare(value, wanted)
    })
  }
  return kept
}

export type Handler = (x: Exchange) => Answer | Promise<Answer>

export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status).header('vary', 'X-Auth-Token')
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value)
  if (answer.body === undefined) return reply.send()
  return reply.type('application/json').send(JSON.stringify(answer.body))
}

/** Registers a route that needs a token. GET answers HEAD too. */
export function route(
  parts: Parts,
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD',
  url: string,
  handler: Handler,
): void {
  parts.face.route({
    method: method === 'GET' ? ['GET', 'HEAD'] : method,
    url: `/v3${url}`,
    handler: async (request, reply) => {
      const token = headerOf(request, 'x-auth-token')
      const caller = token === undefined ? undefined : parts.tokens.explain(token)
      if (caller === undefined) throw Unauthorized({})
      return send(reply, await handler(new Exchange(parts, request, caller)))
    },
  })
}

export const invalid = (reason: string): Fault => Invalid({ reason })
