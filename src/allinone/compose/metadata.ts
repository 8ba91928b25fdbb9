import type { Neighbours, WithStore } from './shared.ts'
import type { NetworkService } from '#network'

export interface MetadataListener {
  close(): Promise<void>
}

/** nova-api-metadata. */
export async function composeMetadata(
  _shared: WithStore,
  _neighbours: Neighbours,
  _source: NetworkService['metadataSource'],
  _port: number,
): Promise<MetadataListener> {
  return { close: async () => undefined }
}
