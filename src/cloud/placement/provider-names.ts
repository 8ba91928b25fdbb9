import type { PlacementPort } from './port.ts'

/** Names of these providers, each asked for once; one that is gone has none. */
export async function providerNames(
  placement: Pick<PlacementPort, 'provider'>,
  ids: readonly string[],
  known: Map<string, string> = new Map(),
): Promise<ReadonlyMap<string, string>> {
  for (const id of ids) if (!known.has(id)) known.set(id, (await placement.provider(id))?.name ?? '')
  return known
}
