import type { RequestedNetwork } from '#bus'
import type { NetworkNearness } from '#model'
import type { ApiDeps } from '../deps.ts'

const tunnels: readonly unknown[] = ['vxlan', 'gre', 'geneve']

/** Physical networks that a guest's memory should be near; asked for guests whose nodes matter, and no others. */
export async function nearnessOf(
  deps: ApiDeps,
  requested: readonly RequestedNetwork[],
): Promise<NetworkNearness | undefined> {
  const ids = [...new Set(requested.map(({ networkId }) => networkId))]
  if (ids.length === 0) return undefined
  // Only the operator is told what is behind a network.
  const networks = await deps.network.networks('service', { ids })
  const physnets = [...new Set(networks.flatMap(({ physicalNetwork }) => physicalNetwork ?? []))]
  const isTunneled = networks.some(({ networkType }) => tunnels.includes(networkType))
  return physnets.length === 0 && !isTunneled ? undefined : { physnets, isTunneled }
}
