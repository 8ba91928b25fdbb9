import { composeScheduler } from '../control.ts'
import type { OpenService } from '../run-service.ts'
import { cellsFor, neighboursFor, withStore } from './parts.ts'

export const openScheduler: OpenService = async service => {
  const shared = await withStore(service)
  const cells = cellsFor(service, shared)
  service.closers.add(await composeScheduler(shared, neighboursFor(service), cells))
  await shared.bus.ready()
}
