import type { CellMapping } from '../api-db/cell-mappings.ts'
import { cell0Uuid } from '../api-db/cell-mappings.ts'
import type { Store } from '../store.ts'
import type { CellDirectory } from './directory.ts'

export interface FoundHost {
  readonly host: string
  /** Of the compute node, or of the service where services are looked for. */
  readonly uuid: string
}

/** What became of the hosts of one cell. */
export interface Discovery {
  readonly cell: CellMapping
  /** Every host there is, known or new. */
  readonly seen: readonly FoundHost[]
  readonly added: readonly FoundHost[]
  /** Hosts of this cell whose name another cell has already: they are not reached from the API. */
  readonly taken: readonly FoundHost[]
  /** Why the cell could not be asked. */
  readonly error?: unknown
}

interface Cloud {
  readonly own: Store
  readonly directory: CellDirectory
}

interface Search {
  /** Only in these cells; else in all. */
  readonly cells?: readonly CellMapping[]
  /** Services are there before a host has ever told of its hypervisor. */
  readonly byService: boolean
  readonly nowMs: number
}

async function hostsIn(store: Store, byService: boolean): Promise<readonly FoundHost[]> {
  const rows = byService ? await store.services.list({ binary: 'nova-compute' }) : await store.computeNodes.list()
  return rows.map(({ host, uuid }) => ({ host, uuid }))
}

/**
 * Writes down in which cell each host is that is in none yet. Any number may do so at a time. cell0 has no hosts; a cell that
 * is away is left for the next time.
 */
export async function discoverHosts({ own, directory }: Cloud, search: Search): Promise<readonly Discovery[]> {
  const { byService, nowMs } = search
  const mappings = search.cells ?? (await own.cellMappings.list())
  const found: Discovery[] = []
  for (const cell of mappings) {
    if (cell.uuid === cell0Uuid) continue
    try {
      const there = await directory.find(cell.uuid)
      if (there === undefined) continue
      const seen = await hostsIn(await there.store(), byService)
      const known = new Map((await own.hostMappings.known(seen.map(one => one.host))).map(m => [m.host, m.cellUuid]))
      const added: FoundHost[] = []
      for (const one of seen) {
        if (known.has(one.host)) continue
        if (await own.hostMappings.add({ host: one.host, cellUuid: cell.uuid }, nowMs)) added.push(one)
      }
      const taken = seen.filter(({ host }) => (known.get(host) ?? cell.uuid) !== cell.uuid)
      found.push({ cell, seen, added, taken })
    } catch (error) {
      found.push({ cell, seen: [], added: [], taken: [], error })
    }
  }
  return found
}
