import type { As } from '../glance/port.ts'
import { TokenInvalid } from '../keystone/port.ts'
import type { HttpClient, HttpReply, HttpRequest } from './client.ts'
import { EndpointMissing, NeighbourFailed, ServiceCredentialsRefused } from './faults.ts'
import type { EndpointChoice, Session } from './session.ts'

export interface ServiceOptions {
  readonly http: HttpClient
  /** Whom `service` calls speak as. */
  readonly session: Session
  readonly endpoint: EndpointChoice
  /**
   * `[service_user]send_service_user_token`: calls for a user also say that it is Nova who calls, so that the user's token may
   * expire on the way.
   */
  readonly serviceUser?: Session
}

export interface ServiceCall {
  readonly method: HttpRequest['method']
  /** After the version: `/images/<id>`. */
  readonly path: string
  readonly query?: URLSearchParams
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly isRepeatable?: boolean
}

/** One neighbour: finds its endpoint, proves who calls, and renews tokens that it no longer takes. */
export class ServiceClient {
  readonly #service: string
  readonly #options: ServiceOptions
  readonly #version: string

  /** `version` is the path that all calls start with, whether the catalogue's address ends in it or not. */
  constructor(service: string, version: string, options: ServiceOptions) {
    this.#service = service
    this.#version = version
    this.#options = options
  }

  call(as: As, call: ServiceCall): Promise<HttpReply> {
    return this.#ask(as, call, request => this.#options.http.send(request))
  }

  download(as: As, call: ServiceCall) {
    return this.#ask(as, call, request => this.#options.http.download(request))
  }

  /** Sends a stream, once: with a token that is no longer taken it fails, because the bits are gone by then. */
  async upload(as: As, call: ServiceCall, bits: AsyncIterable<Uint8Array>): Promise<HttpReply> {
    let isSpent = false
    return this.#ask(as, call, request => {
      if (isSpent) throw NeighbourFailed({ service: this.#service, status: 401 })
      isSpent = true
      return this.#options.http.upload(request, bits)
    })
  }

  async #ask<R extends HttpReply>(as: As, call: ServiceCall, send: (request: HttpRequest) => Promise<R>): Promise<R> {
    const { session, serviceUser } = this.#options
    const url = await this.#url(call)
    for (let isSecond = false; ; isSecond = true) {
      const token = as === 'service' ? await session.token() : as.token
      const serviceToken = as === 'service' ? undefined : await serviceUser?.token()
      const reply = await send({
        service: this.#service,
        method: call.method,
        url,
        headers: {
          'x-auth-token': token,
          ...(serviceToken === undefined ? {} : { 'x-service-token': serviceToken }),
          ...call.headers,
        },
        ...(call.json === undefined ? {} : { json: call.json }),
        ...(call.isRepeatable === undefined ? {} : { isRepeatable: call.isRepeatable }),
      })
      if (reply.status < 500 && reply.status !== 401) return reply
      if (reply.status !== 401) {
        const params = { service: this.#service, status: reply.status }
        throw NeighbourFailed(params, { detail: `${reply.place}: ${reply.text.slice(0, 500)}` })
      }
      const ours = as === 'service' ? token : serviceToken
      if (isSecond || ours === undefined) throw this.#unauthorized(as, reply)
      await (as === 'service' ? session : serviceUser)?.forget(ours)
    }
  }

  async #url({ path, query }: ServiceCall): Promise<string> {
    const { session, endpoint } = this.#options
    const found = await session.endpoint(endpoint)
    if (found === undefined) {
      const { serviceType, interfaces, region } = endpoint
      throw EndpointMissing({ serviceType, interfaces: interfaces.join(' or '), region: region ?? 'any region' })
    }
    // Cinder's address goes on after the version with a project, which is not always ours.
    const at = this.#version === '' ? -1 : `${found}/`.indexOf(`${this.#version}/`)
    const base = at < 0 ? found + this.#version : found.slice(0, at + this.#version.length)
    return `${base}${path}${query === undefined || query.size === 0 ? '' : `?${query}`}`
  }

  #unauthorized(as: As, reply: HttpReply) {
    const detail = { detail: reply.place }
    if (as !== 'service') return TokenInvalid({}, detail)
    return ServiceCredentialsRefused({ service: this.#service, who: this.#options.session.who }, detail)
  }
}

/** Ids in paths come from users. */
export const inPath = (id: string): string => encodeURIComponent(id)
