import type { HostClaimer } from './claim-host.ts'
import type { HostSource, SchedulerHost } from './host-source.ts'

/** The hosts of one cell, and where they are claimed. */
export interface HostsOfCell {
  readonly cellId: string
  /** Nothing new goes there. */
  readonly isDisabled: boolean
  readonly hosts: HostSource
  readonly claims: HostClaimer
}

/** Asks all cells at once. One that is away is as if it were not there. */
export type AskCells = <T>(work: (cell: HostsOfCell) => Promise<T>) => Promise<readonly T[]>

/** A host as its cell knows it, by what was made of it: the same one is made the same again. */
class Labels {
  readonly #made = new WeakMap<SchedulerHost, SchedulerHost>()

  label(host: SchedulerHost, { cellId, isDisabled }: HostsOfCell): SchedulerHost {
    const known = this.#made.get(host)
    if (known !== undefined && known.cellId === cellId && known.isInDisabledCell === isDisabled) return known
    const labelled = { ...host, cellId, isInDisabledCell: isDisabled }
    this.#made.set(host, labelled)
    return labelled
  }
}

const merged = <K, V>(maps: readonly (ReadonlyMap<K, V> | undefined)[]): ReadonlyMap<K, V> =>
  new Map(maps.flatMap(map => [...(map ?? [])]))

/** The hosts of several cells as one fleet. Aggregates are the same in all of them. */
export function cellHosts(askCells: AskCells): HostSource {
  const labels = new Labels()
  const ofAll = async <T>(ask: (hosts: HostSource, cell: HostsOfCell) => Promise<T>) => {
    const answers = await askCells(cell => ask(cell.hosts, cell))
    return answers.filter(answer => answer !== undefined)
  }
  return {
    async hostStates(nodeIds, askedServers) {
      const found = await ofAll(async (hosts, cell) =>
        (await hosts.hostStates(nodeIds, askedServers)).map(host => labels.label(host, cell)),
      )
      const [first = []] = found
      if (found.length === 1) return first
      const byNode = new Map(found.flat().map(host => [host.nodeId, host]))
      return nodeIds.flatMap(id => byNode.get(id) ?? [])
    },
    occupancies: async nodeIds => merged(await ofAll(async hosts => hosts.occupancies?.(nodeIds))),
    findNodes: async name => (await ofAll(hosts => hosts.findNodes(name))).flat(),
    instanceCounts: async () => merged(await ofAll(async hosts => hosts.instanceCounts?.())),
    imageProperties: async () => merged(await ofAll(async hosts => hosts.imageProperties?.())),
    serverCounts: async () => merged(await ofAll(async hosts => hosts.serverCounts?.())),
    async aggregates() {
      const [first = []] = await ofAll(hosts => hosts.aggregates())
      return first
    },
    async oldestCompute() {
      const versions = (await ofAll(async hosts => hosts.oldestCompute?.())).filter(version => version !== undefined)
      return versions.length === 0 ? undefined : Math.min(...versions)
    },
  }
}

/** Claims go to the cell whose node it is; what is let go may be in any. */
export const cellClaims = (askCells: AskCells): HostClaimer => ({
  async claim(wish) {
    const owners = await askCells(async ({ hosts, claims }) =>
      (await hosts.hostStates([wish.nodeId])).length > 0 ? claims : undefined,
    )
    const owner = owners.find(claims => claims !== undefined)
    return owner === undefined ? 'its cell cannot be reached' : owner.claim(wish)
  },
  async release(consumerId) {
    await askCells(({ claims }) => claims.release(consumerId))
  },
})
