import type { RequestSpec } from '#model'
import type { Store } from '#store'
import type { ConductorCells, ConductorDeps } from './deps.ts'

/** The cells, where there are several. */
export async function severalCells({ cells }: ConductorDeps): Promise<ConductorCells | undefined> {
  return cells === undefined || (await cells.directory.isOnly()) ? undefined : cells
}

/**
 * A server that is in a cell with hosts stays in it when it moves, unless its request says which cell it would rather be in;
 * one that is in none yet may go to any.
 */
export async function confined(d: ConductorDeps, spec: RequestSpec): Promise<RequestSpec> {
  const cells = await severalCells(d)
  if (cells === undefined || cells.own.isHome || spec.preferredCellId !== undefined) return spec
  return { ...spec, cellId: cells.own.uuid }
}

/** Databases in which the scheduler may have claimed something for a server of this cell. */
export async function whereClaimed(d: ConductorDeps): Promise<readonly Store[]> {
  const cells = await severalCells(d)
  if (cells === undefined) return [d.store]
  const answers = await cells.directory.gather(async store => store)
  // A cell that is away keeps its claim; its own audit takes back what has no allocation.
  return answers.flatMap(answer => (answer.ok ? [answer.value] : []))
}

type Places = Awaited<ReturnType<Store['instances']['placesOf']>>

/** Where these servers are, in whichever cell. */
export async function placesInCells(d: ConductorDeps, ids: readonly string[]): Promise<Places> {
  const cells = await severalCells(d)
  if (cells === undefined) return d.store.instances.placesOf(ids)
  const answers = await cells.directory.gather(store => store.instances.placesOf(ids))
  const places = answers.flatMap(answer => (answer.ok ? answer.value : []))
  const byId = new Map(places.map(place => [place.id, place]))
  return [...byId.values()]
}

/** A word for the hosts of another cell, none of which is one of ours: policies of groups only compare them. */
const inAnotherCell = (cellUuid: string) => `in cell ${cellUuid}`

/** Of these servers, where those are that live in another cell. */
export async function placesElsewhere(
  tx: Store,
  ids: readonly string[],
  here: readonly { readonly id: string }[],
): Promise<readonly string[]> {
  const known = new Set(here.map(place => place.id))
  const others = ids.filter(id => !known.has(id))
  if (others.length === 0) return []
  const mappings = await tx.instanceMappings.ofMany(others)
  return mappings.filter(mapping => !mapping.isDeleted).map(mapping => inAnotherCell(mapping.cellUuid))
}

/** Whether another cell answers for this server, or the API's own database does. */
export async function livesElsewhere(d: ConductorDeps, instanceId: string): Promise<boolean> {
  const cells = await severalCells(d)
  if (cells === undefined) return false
  const uuid = await d.store.instanceMappings.cellOf(instanceId)
  if (uuid !== undefined) return uuid !== cells.own.uuid
  if (cells.own.isHome) return false
  const home = await (await cells.directory.home()).store()
  return (await home.instances.find(instanceId)) !== undefined
}
