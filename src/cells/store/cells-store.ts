import { type DatabaseOptions, migrate, openDatabase } from '#store/engine'
import { ChildStates } from './child-states.ts'
import { FlavorSizes } from './flavor-sizes.ts'
import { KeptRequests } from './kept-requests.ts'
import { CellNeighbours } from './neighbours.ts'
import { type CellsTables, cellsMigrations } from './schema.ts'

/** The tables of nova-cells, in the database of its cell: all nova-cells of the cell share what they know. */
export interface CellsStore {
  readonly neighbours: CellNeighbours
  readonly children: ChildStates
  readonly sizes: FlavorSizes
  readonly requests: KeptRequests
  close(): Promise<void>
}

/** Opens and migrates; `url` as `[database] connection` has it. */
export async function openCellsStore(url: string, options: DatabaseOptions = {}): Promise<CellsStore> {
  const db = openDatabase<CellsTables>(url, options)
  try {
    await migrate(db, 'cells', cellsMigrations)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return {
    neighbours: new CellNeighbours(db),
    children: new ChildStates(db),
    sizes: new FlavorSizes(db),
    requests: new KeptRequests(db),
    close: () => db.destroy(),
  }
}
