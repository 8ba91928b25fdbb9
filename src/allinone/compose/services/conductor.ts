import { conductorContract } from '#bus'
import type { Conductor } from '#conductor'
import type { Cell } from '#store'
import type { Cells } from '../cells.ts'
import { composeConductor } from '../control.ts'
import { isSqlite } from '../database.ts'
import { inEachCell } from '../in-each-cell.ts'
import type { OpenService } from '../run-service.ts'
import type { WithStore } from '../shared.ts'
import { cellsFor, neighboursFor, withStore } from './parts.ts'

const wakeIn = (cells: Cells) => async (cell: Cell, sagaId: string) => {
  await cells.busOf(cell).client(conductorContract).wake({ sagaId })
}

/**
 * One conductor per cell: for the cell of its own database, and for all others that the API's database knows of. Where that
 * is not configured, or knows of none, it is the conductor of its own cell alone.
 */
export const openConductor: OpenService = async service => {
  const shared = await withStore(service)
  // An SQLite file is one machine's: nobody on the bus means that whoever held sagas is dead.
  const isAlone = isSqlite(service.config) && !(await shared.bus.isServed(conductorContract))
  const neighbours = neighboursFor(service)
  const cells = cellsFor(service, shared)
  const { directory } = cells
  const engines = new Map<string, Conductor['engine']>()
  const onSaga = (what: 'wake' | 'interrupt', sagaId: string) => {
    for (const engine of engines.values()) engine[what](sagaId)
  }
  const start = async (own: Cell) => {
    const bus = cells.busOf(own)
    const inCell: WithStore = own.isOwn ? shared : { ...shared, store: await own.store(), bus }
    const place = { directory, own, busOf: cells.busOf, wake: wakeIn(cells) }
    // cell0 has no bus of its own, and no hosts that could ask.
    const isSilent = !own.isOwn && bus === shared.bus
    const how = own.isOwn ? { isAlone } : { isAlone: false, isOutside: true, isSilent }
    const conductor = await composeConductor(inCell, neighbours, { ...how, onSaga, cells: place })
    engines.set(own.uuid, conductor.engine)
    return async () => {
      engines.delete(own.uuid)
      await conductor.stop()
    }
  }
  service.closers.add(await inEachCell({ ...shared, directory }, start))
  await shared.bus.ready()
}
