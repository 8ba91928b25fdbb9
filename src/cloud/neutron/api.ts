import { type Clock, type Fault, seconds } from '#base'
import type { As } from '../glance/port.ts'
import { bodyOf, type HttpReply } from '../http/client.ts'
import { refusal } from '../http/faults.ts'
import { type ServiceCall, ServiceClient, type ServiceOptions } from '../http/service-client.ts'

/** Ids in one query string: 100 of them stay below the 8 KiB that most servers read. */
const idsPerQuery = 100

type Query = Readonly<Record<string, string | readonly string[] | undefined>>

function queryOf(query: Query): URLSearchParams {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const each of value === undefined ? [] : typeof value === 'string' ? [value] : value) params.append(name, each)
  }
  return params
}

interface WireError {
  readonly NeutronError?: { readonly type: string; readonly message: string } | string
}

/** Neutron's own code and sentence; adapters turn the ones they know into faults of the port. */
function refused(reply: HttpReply): Fault {
  const { NeutronError: error } = reply.text.startsWith('{') ? bodyOf<WireError>(reply) : {}
  if (error === undefined || typeof error === 'string') {
    return refusal(reply.status, 'NeutronRefused', error ?? `Neutron refused with ${reply.status}.`, reply.place)
  }
  return refusal(reply.status, error.type, error.message, reply.place)
}

/** Neutron v2.0 by collections and members. */
export class NeutronApi {
  readonly #client: ServiceClient
  readonly #clock: Clock
  readonly #extensionsMs: number
  #extensions: { known: Promise<ReadonlySet<string>>; untilMs: number } | undefined

  constructor(options: ServiceOptions & { clock: Clock; extensionsMs?: number }) {
    this.#client = new ServiceClient('network', '/v2.0', options)
    this.#clock = options.clock
    this.#extensionsMs = options.extensionsMs ?? seconds(600)
  }

  /** All items of `/<path>` in the caller's view. `split` names the filter whose values may be too many for one query. */
  async list<T>(as: As, path: string, query: Query, split = 'id'): Promise<readonly T[]> {
    const values = query[split]
    if (typeof values === 'string' || values === undefined) return this.#page(as, path, query)
    const items: T[] = []
    for (let at = 0; at < values.length; at += idsPerQuery) {
      items.push(...(await this.#page<T>(as, path, { ...query, [split]: values.slice(at, at + idsPerQuery) })))
    }
    return items
  }

  async #page<T>(as: As, path: string, query: Query): Promise<readonly T[]> {
    const reply = await this.call(as, { method: 'GET', path: `/${path}`, query: queryOf(query) })
    const [items] = Object.values(bodyOf<Record<string, readonly T[]>>(reply))
    return items ?? []
  }

  /** The inner document of a member. */
  async one<T>(as: As, call: ServiceCall): Promise<T> {
    const [item] = Object.values(bodyOf<Record<string, T>>(await this.call(as, call)))
    if (item === undefined) throw refusal(502, 'NeutronRefused', 'Neutron answered with an empty document.')
    return item
  }

  async call(as: As, call: ServiceCall): Promise<HttpReply> {
    const reply = await this.#client.call(as, call)
    if (reply.status >= 300) throw refused(reply)
    return reply
  }

  /** Whether this Neutron can do what the alias names; asked anew every ten minutes. */
  async has(alias: string): Promise<boolean> {
    const now = this.#clock.now()
    if (this.#extensions === undefined || this.#extensions.untilMs <= now) {
      const known = this.list<{ alias: string }>('service', 'extensions', {}).then(
        all => new Set(all.map(e => e.alias)),
      )
      this.#extensions = { known, untilMs: now + this.#extensionsMs }
    }
    const { known } = this.#extensions
    try {
      return (await known).has(alias)
    } catch (error) {
      if (this.#extensions?.known === known) this.#extensions = undefined
      throw error
    }
  }
}
