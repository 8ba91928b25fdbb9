import type { Migration } from '#model'
import { compareMigrations, MarkerNotFound, type MigrationQuery } from '#store'
import { type ApiAnswer, cellLists, cellNotResponding, firstOf, severalCells } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'

/** Of the cells that are away nothing is told, where the operator wants it so. */
function answered<T>(deps: ApiDeps, answers: readonly ApiAnswer<T>[]): readonly T[] {
  return answers.flatMap(answer => {
    if (answer.ok) return [answer.value]
    if (!cellLists(deps).skipsAway) throw cellNotResponding(answer.cell, answer.error)
    return []
  })
}

/** A move is once in a list, whichever cells have its record. */
const once = (moves: readonly Migration[]): readonly Migration[] => [...new Map(moves.map(m => [m.uuid, m])).values()]

/** Records of moves in all cells; the order is that of `Moves.list`, or by uuid where that cannot tell. */
export async function listMoves(deps: ApiDeps, query: MigrationQuery): Promise<readonly Migration[]> {
  const cells = await severalCells(deps)
  if (cells === undefined) return deps.store.moves.list(query)
  const { filter, page } = query
  if (page === undefined) {
    const found = answered(deps, await cells.gather(({ store }) => store.moves.list({ filter })))
    return once(found.flat().sort((a, b) => -compareMigrations(a, b)))
  }
  const { limit, marker } = page
  const after = marker === undefined ? undefined : await firstOf(deps, ({ store }) => store.moves.find(marker))
  if (marker !== undefined && after === undefined) throw MarkerNotFound({ marker })
  const part = { limit, after: after?.value }
  const found = answered(deps, await cells.gather(({ store }) => store.moves.listPart(filter, part)))
  return once(found.flat().sort(compareMigrations)).slice(0, limit)
}
