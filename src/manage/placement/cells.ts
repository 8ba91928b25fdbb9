import { type Cell, type CellAnswer, CellUnreachable, cell0Uuid, cellUnreachable, type Store } from '#store'
import type { ManageWorld } from '../manage-world.ts'

/** Cells with hosts: all but cell0, or the one there is. */
export async function cellsWithHosts(world: ManageWorld): Promise<readonly Cell[]> {
  const all = await (await world.cells()).list()
  return all.filter(cell => cell.uuid !== cell0Uuid || all.length === 1)
}

/** What every cell says; throws `CellUnreachable` where one is away: it might be the one that knows. */
export async function fromAll<T>(world: ManageWorld, ask: (store: Store) => Promise<T>): Promise<readonly T[]> {
  const answers: readonly CellAnswer<T>[] = await (await world.cells()).gather(ask)
  return answers.map(answer => {
    if (answer.ok) return answer.value
    const { cell, error } = answer
    if (CellUnreachable.is(error)) throw error
    throw cellUnreachable(cell, error)
  })
}
