import { bodyOf } from '../http/client.ts'
import { refusal } from '../http/faults.ts'
import { inPath, type ServiceClient } from '../http/service-client.ts'
import type { IdentityPort } from './port.ts'

export interface LimitsOptions {
  /** Asks as somebody who sees the limits of all projects. */
  readonly client: ServiceClient
  /** Whose limits count where no endpoint is named, beside those of no region; null: of all. */
  readonly region: string | null
  /** `[oslo_limit]endpoint_id`: limits are those of the service and the region of this endpoint, and no others. */
  readonly endpointId: string | null
}

interface LimitRegion {
  readonly region_id: string | null
}

interface Limited extends LimitRegion {
  readonly resource_name: string
}

interface RegisteredLimits {
  readonly registered_limits: readonly (Limited & { readonly default_limit: number })[]
}

interface Limits {
  readonly limits: readonly (Limited & { readonly resource_limit: number })[]
}

/** Services whose limits are ours, and which of them are. */
interface Ours {
  readonly serviceIds: readonly string[]
  isOurs(limit: LimitRegion): boolean
}

/** Unified limits: what is registered for all projects, and over it what is set for one. */
export function limitsOf({ client, region, endpointId }: LimitsOptions): IdentityPort['limits'] {
  async function ask<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
    const reply = await client.call('service', { method: 'GET', path, query: new URLSearchParams(query) })
    if (reply.status === 200) return bodyOf<T>(reply)
    const words = reply.status === 404 ? `Keystone has no ${path}.` : `Nova may not read ${path} at Keystone.`
    throw refusal(reply.status, 'LimitLookupRefused', words, reply.place)
  }

  /** An id that Keystone does not know fails every request that counts: its limits are unknown, and not infinite. */
  async function ofEndpoint(id: string): Promise<Ours> {
    const { endpoint } = await ask<{ endpoint: LimitRegion & { service_id: string } }>(`/endpoints/${inPath(id)}`)
    return { serviceIds: [endpoint.service_id], isOurs: ({ region_id }) => region_id === endpoint.region_id }
  }

  async function ofCompute(): Promise<Ours> {
    const { services } = await ask<{ services: readonly { id: string }[] }>('/services', { type: 'compute' })
    return {
      serviceIds: services.map(({ id }) => id),
      isOurs: ({ region_id }) => region_id === null || region === null || region_id === region,
    }
  }

  /** Services come and go, and the endpoint of an id stays what it is. */
  let known: Ours | undefined
  async function ours(): Promise<Ours> {
    if (endpointId === null) return ofCompute()
    known ??= await ofEndpoint(endpointId)
    return known
  }

  return async projectId => {
    const { serviceIds, isOurs } = await ours()
    /** Those of a region come last and count. */
    const here = <L extends LimitRegion>(limits: readonly L[]): readonly L[] =>
      limits.filter(isOurs).toSorted((a, b) => Number(a.region_id !== null) - Number(b.region_id !== null))
    const found: Record<string, number> = {}
    for (const service_id of serviceIds) {
      const { registered_limits } = await ask<RegisteredLimits>('/registered_limits', { service_id })
      for (const limit of here(registered_limits)) found[limit.resource_name] = limit.default_limit
      if (projectId === null) continue
      const { limits } = await ask<Limits>('/limits', { service_id, project_id: projectId })
      for (const limit of here(limits)) found[limit.resource_name] = limit.resource_limit
    }
    return found
  }
}
