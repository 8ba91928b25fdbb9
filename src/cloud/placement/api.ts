import { Fault } from '#base'
import { bodyOf, type HttpReply } from '../http/client.ts'
import { refusal } from '../http/faults.ts'
import { type ServiceCall, ServiceClient, type ServiceOptions } from '../http/service-client.ts'

interface WireError {
  readonly errors?: readonly { readonly detail?: string; readonly code?: string }[]
}

/** The codes that tell us what to do next. */
export const placementCode = {
  stale: 'placement.concurrent_update',
  inventoryInUse: 'placement.inventory.inuse',
} as const

/** WebOb puts a sentence of its own before every detail. */
const detailOf = (text: string): string => text.slice(text.indexOf('\n\n') + 1).trim()

function refused(reply: HttpReply): Fault {
  const [error] = (reply.text.startsWith('{') ? bodyOf<WireError>(reply).errors : undefined) ?? []
  const message = error?.detail === undefined ? `Placement refused with ${reply.status}.` : detailOf(error.detail)
  return refusal(reply.status, error?.code ?? 'PlacementRefused', message, reply.place)
}

export const isRefusal = (error: unknown, status: number, code?: string): error is Fault =>
  error instanceof Fault && error.status === status && (code === undefined || error.code === code)

/** Error codes, consumer types, and traits of which any will do: Placement 7 (Yoga) and later. */
const version = '1.39'

/** The Placement API at one microversion. */
export class PlacementApi {
  readonly #client: ServiceClient

  constructor(options: ServiceOptions) {
    this.#client = new ServiceClient('placement', '', options)
  }

  /** Throws what Placement refuses, with its code and its own words. */
  async call(call: ServiceCall): Promise<HttpReply> {
    const reply = await this.#client.call('service', {
      ...call,
      headers: { 'openstack-api-version': `placement ${version}` },
    })
    if (reply.status >= 300) throw refused(reply)
    return reply
  }

  async get<T>(path: string, query?: URLSearchParams): Promise<T> {
    return bodyOf<T>(await this.call({ method: 'GET', path, ...(query === undefined ? {} : { query }) }))
  }
}
