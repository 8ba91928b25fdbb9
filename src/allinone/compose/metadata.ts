import { type AddressLookup, createMetadataService, type MetadataService, storeMetadata } from '#metadata'
import type { Cells } from './cells.ts'
import type { WithStore } from './shared.ts'

/** nova-api-metadata from its configuration; not yet listening. Without `cells` there is one. */
export function composeMetadata(shared: WithStore, lookup: AddressLookup, cells?: Cells): MetadataService {
  const { config, store, clock, log } = shared
  const source = storeMetadata({
    storeOf: async id => (cells === undefined ? store : (await cells.directory.ofServer(id)).store()),
    lookup,
    defaultZone: config.DEFAULT.default_availability_zone,
    nowMs: () => clock.now(),
  })
  return createMetadataService({ source, config, clock, log: log.child({ service: 'nova-api-metadata' }) })
}
