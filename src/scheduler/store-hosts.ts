import type { Clock } from '#base'
import { claimHost, hostOccupancies, releaseHost, type Store } from '#store'
import type { HostClaimer } from './claim-host.ts'
import type { HostSource } from './host-source.ts'
import { HostView } from './host-view.ts'

export interface StoreHostOptions {
  readonly serviceDownTimeMs: number
}

/** Claims of what hosts have by name, in Nova's database. */
export const storeClaims = (store: Store): HostClaimer => ({
  claim: wish => claimHost(store, wish),
  release: consumerId => releaseHost(store, consumerId),
})

function byHost(places: readonly { readonly id: string; readonly host: string | null }[]) {
  const found = new Map<string, Set<string>>()
  for (const { id, host } of places) {
    if (host === null) continue
    const ids = found.get(host) ?? new Set<string>()
    found.set(host, ids.add(id))
  }
  return found
}

/**
 * The hosts as Nova's databases know them, in a fixed number of statements. As if they were empty: what is in use placement
 * knows, exactly and at once (`usage.ts`).
 */
export function storeHosts(store: Store, clock: Clock, options: StoreHostOptions): HostSource {
  const view = new HostView(store, clock, options.serviceDownTimeMs)
  return {
    async hostStates(nodeIds, askedServers = []) {
      const ioOps = await store.computeNodes.ioOps()
      const states = await view.states(nodeIds, ioOps)
      if (askedServers.length === 0) return states
      const onHosts = byHost(await store.instances.placesOf(askedServers))
      if (onHosts.size === 0) return states
      return states.map(state => {
        const instanceIds = onHosts.get(state.host)
        return instanceIds === undefined ? state : { ...state, instanceIds }
      })
    },
    occupancies: async nodeIds => hostOccupancies(store, await view.nodes(nodeIds)),
    async findNodes({ host, node }) {
      return (await view.names())
        .filter(n => host === null || n.host.toLowerCase() === host.toLowerCase())
        .filter(n => node === null || n.node === node)
    },
    instanceCounts: () => store.computeNodes.serverCounts(),
    imageProperties: () => store.computeNodes.imagePropertyTallies(),
    serverCounts: () => store.computeNodes.serverTallies(),
    aggregates: () => view.aggregates(),
    oldestCompute: () => store.services.oldest('nova-compute'),
  }
}
