import { acceleratorsFilter } from './accelerators-filter.ts'
import { computeStatusFilter } from './compute-status-filter.ts'
import { ephemeralEncryptionFilter } from './ephemeral-encryption-filter.ts'
import { isolateAggregates } from './isolate-aggregates.ts'
import { mapAzToPlacementAggregate } from './map-az-to-placement-aggregate.ts'
import { ownerNovaFilter } from './owner-nova-filter.ts'
import { packedVirtqueueFilter } from './packed-virtqueue-filter.ts'
import { remoteManagedPortsFilter } from './remote-managed-ports-filter.ts'
import type { FilterableRequest, QueryChange, RequestFilter } from './request-filter.ts'
import { requireImageTypeSupport } from './require-image-type-support.ts'
import { requireTenantAggregate } from './require-tenant-aggregate.ts'
import { routedNetworksFilter } from './routed-networks-filter.ts'
import { tpmSecretSecurityFilter } from './tpm-secret-security-filter.ts'
import { transformImageMetadata } from './transform-image-metadata.ts'
import { virtioSoundFilter } from './virtio-sound-filter.ts'

export type { FilterableRequest, QueryChange, RequestFilter } from './request-filter.ts'
export { routedNetworks } from './routed-networks.ts'

/** In Nova's order. */
export const requestFilters: readonly RequestFilter[] = [
  requireTenantAggregate,
  mapAzToPlacementAggregate,
  requireImageTypeSupport,
  computeStatusFilter,
  isolateAggregates,
  transformImageMetadata,
  acceleratorsFilter,
  packedVirtqueueFilter,
  routedNetworksFilter,
  remoteManagedPortsFilter,
  ephemeralEncryptionFilter,
  virtioSoundFilter,
  tpmSecretSecurityFilter,
  ownerNovaFilter,
]

/** What one request filter did, for the decision record. */
export interface RequestFilterNote {
  readonly filter: string
  readonly says: string
}

export type FilteredRequest =
  | { readonly ok: true; readonly changes: readonly QueryChange[]; readonly notes: readonly RequestFilterNote[] }
  | { readonly ok: false; readonly filter: string; readonly message: string }

/** Runs all request filters over a request; the first that refuses ends it. */
export function filterRequest(request: FilterableRequest): FilteredRequest {
  const changes: QueryChange[] = []
  const notes: RequestFilterNote[] = []
  for (const filter of requestFilters) {
    const result = filter.apply(request)
    if (result === null) continue
    if ('refuses' in result) return { ok: false, filter: filter.name, message: result.refuses }
    notes.push({ filter: filter.name, says: result.says })
    if (result.change !== undefined) changes.push(result.change)
  }
  return { ok: true, changes, notes }
}

/** True if any of the filters will look at the aggregates, which otherwise need not be read. */
export const readsAggregates = ({ spec, options }: Pick<FilterableRequest, 'spec' | 'options'>): boolean =>
  Boolean(spec.requestedZone) ||
  options.scheduler.limit_tenants_to_placement_aggregate ||
  options.scheduler.enable_isolated_aggregate_filtering
