import { conductorContract } from '#bus'
import { composeConductor } from '../control.ts'
import { isSqlite } from '../database.ts'
import type { OpenService } from '../run-service.ts'
import { neighboursFor, withStore } from './parts.ts'

export const openConductor: OpenService = async service => {
  const shared = await withStore(service)
  // An SQLite file is one machine's: nobody on the bus means that whoever held sagas is dead.
  const isAlone = isSqlite(service.config) && !(await shared.bus.isServed(conductorContract))
  const conductor = await composeConductor(shared, neighboursFor(service), isAlone)
  service.closers.add(() => conductor.stop())
  await shared.bus.ready()
}
