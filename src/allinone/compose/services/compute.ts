import { composeCompute } from '../compute.ts'
import { openDriver } from '../driver.ts'
import type { OpenService } from '../run-service.ts'
import { guestWires } from '../wires.ts'
import { busFor, neighboursFor } from './parts.ts'

/** Has no database: what it needs to know it asks the conductor. */
export const openCompute: OpenService = async service => {
  const { config, log, clock, closers } = service
  const bus = busFor(service)
  const neighbours = neighboursFor(service)
  const driver = await openDriver({
    config,
    images: () => neighbours.images,
    keys: () => neighbours.keys,
    log,
    clock,
    wires: guestWires(config, bus),
  })
  closers.add(() => driver.close())
  const { host, state_path: statePath } = config.DEFAULT
  const agent = await composeCompute({ config, log, clock, bus }, driver, {
    host,
    statePath,
    images: () => neighbours.images,
  })
  closers.add(() => agent.stop())
  await bus.ready()
}
