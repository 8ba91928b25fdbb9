import type { Log } from '#base'
import type { ServiceOptions } from '../http/service-client.ts'
import { PlacementApi } from './api.ts'
import { Consumers } from './consumers.ts'
import type { AllocationRequest, Allocations, PlacementPort } from './port.ts'
import { Providers } from './providers.ts'
import { candidateParams } from './query.ts'

export interface PlacementHttpOptions extends ServiceOptions {
  readonly log: Log
  /** A placement that is older than we are may lack standard traits: leave them out instead of failing the host. */
  readonly mayLeaveOutTraits?: boolean
}

interface WireCandidates {
  readonly allocation_requests: readonly {
    readonly allocations: Readonly<Record<string, { readonly resources: Readonly<Record<string, number>> }>>
    readonly mappings: AllocationRequest['mappings']
  }[]
  readonly provider_summaries: Readonly<
    Record<
      string,
      {
        readonly resources: Readonly<Record<string, { capacity: number; used: number }>>
        readonly traits: readonly string[]
        readonly parent_provider_uuid: string | null
        readonly root_provider_uuid: string
      }
    >
  >
}

const requestOf = (wire: WireCandidates['allocation_requests'][number]): AllocationRequest => {
  const entries = Object.entries(wire.allocations).map(([id, { resources }]) => [id, resources])
  return { allocations: Object.fromEntries(entries) as Allocations, mappings: wire.mappings }
}

/** Placement over HTTP. */
export function placementPort(options: PlacementHttpOptions): PlacementPort {
  const api = new PlacementApi(options)
  const providers = new Providers(api, { log: options.log, mayLeaveOutTraits: options.mayLeaveOutTraits ?? false })
  const consumers = new Consumers(api)
  return {
    providers: () => providers.all(),
    provider: id => providers.find(id),
    ensureProvider: provider => providers.ensure(provider),
    deleteProvider: id => providers.remove(id),
    inventories: id => providers.inventories(id),
    setInventories: (id, inventories) => providers.setInventories(id, inventories),
    traits: id => providers.traits(id),
    setTraits: (id, traits) => providers.setTraits(id, traits),
    aggregates: id => providers.aggregates(id),
    setAggregates: (id, aggregateIds) => providers.setAggregates(id, aggregateIds),
    usages: id => providers.usages(id),
    async candidates(query) {
      const wire = await api.get<WireCandidates>('/allocation_candidates', candidateParams(query))
      const summaries = Object.entries(wire.provider_summaries).map(([id, summary]) => {
        const { resources, traits, parent_provider_uuid: parentId, root_provider_uuid: rootId } = summary
        return [id, { resources, traits, parentId, rootId }] as const
      })
      return { requests: wire.allocation_requests.map(requestOf), summaries: Object.fromEntries(summaries) }
    },
    explain: async () => [],
    consumer: id => consumers.state(id),
    claim: claim => consumers.claim(claim),
    reallocate: changes => consumers.reallocate(changes),
    release: id => consumers.release(id),
    consumersOf: id => providers.consumers(id),
  }
}
