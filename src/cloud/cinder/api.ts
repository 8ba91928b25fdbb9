import type { Fault } from '#base'
import type { As } from '../glance/port.ts'
import { bodyOf, type HttpReply } from '../http/client.ts'
import { NeighbourUnavailable } from '../http/faults.ts'
import { inPath, type ServiceCall, ServiceClient, type ServiceOptions } from '../http/service-client.ts'
import { CinderConnectionFailed, CinderVersionUnavailable } from './port.ts'
import { cinderFault } from './refusals.ts'

export interface CinderCall extends ServiceCall {
  /** Microversion; none is 3.0. */
  readonly version?: string
  readonly missing: (options: { detail?: string }) => Fault
}

type WireFault = Readonly<Record<string, { readonly message?: string }>>

function messageOf(reply: HttpReply): string {
  if (!reply.text.startsWith('{')) return reply.text.slice(0, 200)
  const [fault] = Object.values(bodyOf<WireFault>(reply))
  return fault?.message ?? reply.text.slice(0, 200)
}

const pageSize = '1000'

/** Cinder v3 in the project of whoever calls: before 3.67 every path names it. */
export class CinderApi {
  readonly #client: ServiceClient
  readonly #options: ServiceOptions

  constructor(options: ServiceOptions) {
    // Cinder lets go of what a server uses only when a service says so.
    this.#options = { serviceUser: options.session, ...options }
    this.#client = new ServiceClient('volume', '/v3', this.#options)
  }

  async call(as: As, { version, missing, ...call }: CinderCall): Promise<HttpReply> {
    const { session } = this.#options
    const { projectId } = as === 'service' ? await session.caller() : as
    const path = projectId === null ? call.path : `/${inPath(projectId)}${call.path}`
    const reply = await this.#send(as, { ...call, path, headers: await this.#headers(as, version) })
    if (reply.status < 300) return reply
    if (reply.status === 406 && version !== undefined) throw CinderVersionUnavailable({ version })
    throw cinderFault({ status: reply.status, message: messageOf(reply), detail: reply.place }, missing)
  }

  /** All pages of a collection: of every project for Nova itself. */
  async list<T extends { readonly id: string }>(
    as: As,
    path: string,
    name: string,
    filter: Readonly<Record<string, string>> = {},
    version?: string,
  ): Promise<readonly T[]> {
    const items: T[] = []
    const all = as === 'service' ? { all_tenants: '1' } : {}
    const query = new URLSearchParams({ limit: pageSize, ...all, ...filter })
    const missing = (options: { detail?: string }) => CinderConnectionFailed({ reason: `no ${path}` }, options)
    for (;;) {
      const reply = await this.call(as, {
        method: 'GET',
        path,
        query,
        missing,
        ...(version === undefined ? {} : { version }),
      })
      const body = bodyOf<Record<string, readonly T[] | undefined>>(reply)
      const page = body[name] ?? []
      items.push(...page)
      const last = page.at(-1)
      if (body[`${name}_links`] === undefined || last === undefined) return items
      query.set('marker', last.id)
    }
  }

  async #headers(as: As, version: string | undefined): Promise<Record<string, string>> {
    return {
      ...(version === undefined ? {} : { 'openstack-api-version': `volume ${version}` }),
      ...(as === 'service' ? { 'x-service-token': await this.#options.session.token() } : {}),
    }
  }

  async #send(as: As, call: ServiceCall): Promise<HttpReply> {
    try {
      return await this.#client.call(as, call)
    } catch (error) {
      if (!NeighbourUnavailable.is(error)) throw error
      throw CinderConnectionFailed({ reason: error.message }, { cause: error, detail: error.detail ?? error.message })
    }
  }
}
