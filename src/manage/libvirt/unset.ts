import { imagePropertiesOf } from '#model'
import { type Cell, cell0Uuid } from '#store'
import { livingServers } from '../servers/find.ts'

/** The property that keeps a guest the machine it had at its first start. */
export const machineType = 'hw_machine_type'

/** All but cell0, unless it is this process's own and so may have hosts. */
export const cellsOfGuests = (cells: readonly Cell[]): readonly Cell[] =>
  cells.filter(cell => cell.isOwn || cell.uuid !== cell0Uuid)

/** Servers that keep no machine yet, in the order of cells and of their making. */
export async function serversWithoutType(cells: readonly Cell[]): Promise<readonly string[]> {
  const ids: string[] = []
  for (const cell of cells)
    for await (const instance of livingServers(await cell.store()))
      if (instance.vmState !== 'building' && imagePropertiesOf(instance)[machineType] === undefined)
        ids.push(instance.id)
  return ids
}
