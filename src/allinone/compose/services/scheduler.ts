import { composeScheduler } from '../control.ts'
import type { OpenService } from '../run-service.ts'
import { neighboursFor, withStore } from './parts.ts'

export const openScheduler: OpenService = async service => {
  const shared = await withStore(service)
  service.closers.add(await composeScheduler(shared, neighboursFor(service)))
  await shared.bus.ready()
}
