import { type AddressLookup, createMetadataService, type MetadataService, storeMetadata } from '#metadata'
import type { WithStore } from './shared.ts'

/** nova-api-metadata from its configuration; not yet listening. */
export function composeMetadata(shared: WithStore, lookup: AddressLookup): MetadataService {
  const { config, store, clock, log } = shared
  const source = storeMetadata({
    store,
    lookup,
    defaultZone: config.DEFAULT.default_availability_zone,
    nowMs: () => clock.now(),
  })
  return createMetadataService({ source, config, clock, log: log.child({ service: 'nova-api-metadata' }) })
}
