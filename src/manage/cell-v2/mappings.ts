import { declareFault } from '#base'
import { type CellDirectory, type CellMapping, cell0Uuid, mappingOf, type Store } from '#store'
import type { CommandContext } from '../kit/command.ts'
import type { ManageWorld } from '../manage-world.ts'
import { ownDatabaseUrl } from '../own-database.ts'
import { cell0Address } from './addresses.ts'

/** What several commands write. Each of these may be run again, also after it was cut off. */

export const CellMappingNotFound = declareFault(
  'CellMappingNotFound',
  'missing',
  (p: { uuid: string }) => `Cell ${p.uuid} has no mapping.`,
)

export async function getCell(store: Store, uuid: string): Promise<CellMapping> {
  const cell = await store.cellMappings.find(uuid)
  if (cell === undefined) throw CellMappingNotFound({ uuid })
  return cell
}

/** cell0 as it would be made; without an address of its own its database is beside that of nova.conf. */
export function cell0At(given: string | undefined, world: ManageWorld): CellMapping {
  const databaseConnection = given ?? cell0Address(ownDatabaseUrl(world))
  return { uuid: cell0Uuid, name: 'cell0', transportUrl: 'none:///', databaseConnection, isDisabled: false }
}

/** The databases of cells, with what is newest in the list of cells. */
export async function storeOfCell(directory: CellDirectory, uuid: string): Promise<Store> {
  directory.forget()
  const cell = await directory.find(uuid)
  if (cell === undefined) throw CellMappingNotFound({ uuid })
  return cell.store()
}

interface Mapped {
  readonly seen: number
  readonly added: number
  /** Number of the last server, to go on after it; undefined at the end. */
  readonly next: number | undefined
}

/** Writes the mappings of at most so many servers of a cell that come after this number, for those that have none. */
export async function mapServers(
  { api, cell, cellUuid }: { readonly api: Store; readonly cell: Store; readonly cellUuid: string },
  after: number,
  limit: number,
): Promise<Mapped> {
  const servers = await cell.instances.after(after, limit)
  const known = new Set((await api.instanceMappings.ofMany(servers.map(s => s.id))).map(m => m.instanceId))
  let added = 0
  for (const server of servers) {
    if (known.has(server.id)) continue
    if (await api.instanceMappings.add(mappingOf(server, cellUuid))) added++
  }
  const last = servers.at(-1)?.number
  return { seen: servers.length, added, next: servers.length < limit ? undefined : last }
}

/** Servers that are mapped at a time. */
export const batch = 50

/** The same for all servers of a cell; how many had none. */
export async function mapAllServers(where: Parameters<typeof mapServers>[0]): Promise<number> {
  let added = 0
  for (let after: number | undefined = 0; after !== undefined; ) {
    const mapped: Mapped = await mapServers(where, after, batch)
    added += mapped.added
    after = mapped.next
  }
  return added
}

/**
 * As long as one of cell0 and the cell of nova.conf's own database is not written down, a server without a mapping is looked
 * for in that database; from then on in cell0. So whoever writes the second of the two maps the servers.
 */
export async function keepInSight({ world }: CommandContext): Promise<void> {
  const api = await world.store()
  const directory = await world.cells()
  directory.forget()
  const own = (await directory.list()).find(cell => cell.isOwn && cell.uuid !== cell0Uuid)
  if (own !== undefined) await mapAllServers({ api, cell: api, cellUuid: own.uuid })
}
