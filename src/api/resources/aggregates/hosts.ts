import type { Cell, Store } from '#store'
import { cellNotResponding, ofHost, severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'

interface HostsOfCell {
  readonly deps: ApiDeps
  readonly hosts: readonly string[]
}

/** Hosts with what their cells have; those that are in no cell are left out. `CellNotResponding`. */
export async function hostsByCell(deps: ApiDeps, hosts: readonly string[]): Promise<readonly HostsOfCell[]> {
  if ((await severalCells(deps)) === undefined) return [{ deps, hosts }]
  const placed: { own: ApiDeps; host: string }[] = []
  for (const host of hosts) {
    const own = await ofHost(deps, host)
    if (own !== undefined) placed.push({ own, host })
  }
  return [...Map.groupBy(placed, ({ own }) => own)].map(([own, some]) => ({
    deps: own,
    hosts: some.map(({ host }) => host),
  }))
}

/** Counts the living servers of hosts. */
export type CountServers = (hosts: readonly string[]) => Promise<number>

async function countIn(tx: Store, hosts: readonly string[]): Promise<number> {
  const ids = await tx.instances.idsByHost(hosts)
  return [...ids.values()].reduce((sum, { size }) => sum + size, 0)
}

/**
 * In one cell they are counted in the transaction that decides by it; of several the counts are as they were before it, and of
 * a host whose cell is away there is none: `CellNotResponding`. To be called outside of transactions.
 */
export async function serverCounter(deps: ApiDeps): Promise<(tx: Store) => CountServers> {
  const cells = await severalCells(deps)
  if (cells === undefined) return tx => hosts => countIn(tx, hosts)
  const counts = new Map<string, number>()
  const away = new Map<string, Cell>()
  for (const answer of await cells.gather(({ store }) => store.computeNodes.serverCounts()))
    if (answer.ok) for (const [host, count] of answer.value) counts.set(host, count)
    else for (const { host } of await deps.store.hostMappings.list(answer.cell.uuid)) away.set(host, answer.cell)
  return () => async hosts => {
    for (const host of hosts) {
      const cell = away.get(host)
      if (cell !== undefined) throw cellNotResponding(cell)
    }
    return hosts.reduce((sum, host) => sum + (counts.get(host) ?? 0), 0)
  }
}
