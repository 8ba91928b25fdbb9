import type { Migration } from '#model'
import { compareMigrations, MarkerNotFound, type MigrationFilter, type MigrationQuery } from '#store'
import { type ApiCells, cellLists, cellNotResponding, firstOf, severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'

interface Recorded {
  readonly deps: ApiDeps
  readonly move: Migration
}

/** What the cells say; of those that are away nothing is told, where the operator wants it so. */
async function recorded(
  deps: ApiDeps,
  cells: ApiCells,
  ask: (own: ApiDeps) => Promise<readonly Migration[]>,
): Promise<Recorded[]> {
  const answers = await cells.gather(ask)
  return answers.flatMap(answer => {
    if (answer.ok) return answer.value.map(move => ({ deps: answer.deps, move }))
    if (!cellLists(deps).skipsAway) throw cellNotResponding(answer.cell, answer.error)
    return []
  })
}

/**
 * A move between two cells has a record in both, of which the one in the server's cell counts, if there is one. The other may
 * be out of date, and match what that one does not.
 */
async function current(deps: ApiDeps, cells: ApiCells, found: readonly Recorded[]): Promise<readonly Migration[]> {
  const mappings = await deps.store.instanceMappings.ofMany([...new Set(found.map(({ move }) => move.instanceId))])
  const cellOf = new Map(mappings.map(({ instanceId, cellUuid }) => [instanceId, cellUuid]))
  const isElsewhere = ({ deps: own, move }: Recorded): boolean => {
    const uuid = cellOf.get(move.instanceId)
    return uuid !== undefined && uuid !== own.cell?.uuid
  }
  const left = found.filter(isElsewhere)
  if (left.length === 0) return found.map(({ move }) => move)
  const uuids = left.map(({ move }) => move.uuid)
  const known = new Set<string>()
  for (const answer of await cells.gather(({ store }) => store.moves.ofMany(uuids)))
    if (answer.ok) for (const move of answer.value) if (!isElsewhere({ deps: answer.deps, move })) known.add(move.uuid)
  const counting = found.filter(one => !(isElsewhere(one) && known.has(one.move.uuid)))
  return [...new Map(counting.map(({ move }) => [move.uuid, move])).values()]
}

async function readPage(
  deps: ApiDeps,
  cells: ApiCells,
  filter: MigrationFilter,
  limit: number,
  begin: Migration | undefined,
): Promise<readonly Migration[]> {
  const page: Migration[] = []
  let after = begin
  while (page.length < limit) {
    const part = { limit, after }
    const found = await recorded(deps, cells, ({ store }) => store.moves.listPart(filter, part))
    const sorted = found.sort((a, b) => compareMigrations(a.move, b.move))
    const last = sorted[limit - 1]?.move
    // Both records of a move are together.
    const first = last === undefined ? sorted : sorted.filter(({ move }) => compareMigrations(move, last) <= 0)
    page.push(...(await current(deps, cells, first)))
    if (last === undefined) break
    after = last
  }
  return page.slice(0, limit)
}

/** Records of moves in all cells; the order is that of `Moves.list`, or by uuid where that cannot tell. */
export async function listMoves(deps: ApiDeps, query: MigrationQuery): Promise<readonly Migration[]> {
  const cells = await severalCells(deps)
  if (cells === undefined) return deps.store.moves.list(query)
  const { filter, page } = query
  if (page === undefined) {
    const found = await recorded(deps, cells, ({ store }) => store.moves.list({ filter }))
    return (await current(deps, cells, found)).toSorted((a, b) => -compareMigrations(a, b))
  }
  const { limit, marker } = page
  const after = marker === undefined ? undefined : await firstOf(deps, ({ store }) => store.moves.find(marker))
  if (marker !== undefined && after === undefined) throw MarkerNotFound({ marker })
  return readPage(deps, cells, filter, limit, after?.value)
}
