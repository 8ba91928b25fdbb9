import type { RemoteBus } from '#bus'
import { busFromConfig } from '../bus.ts'
import { type Cells, openCells } from '../cells.ts'
import { openDatabase } from '../database.ts'
import { neighboursFromConfig } from '../neighbours-from-config.ts'
import type { ServiceProcess } from '../run-service.ts'
import type { Neighbours, WithStore } from '../shared.ts'

/** What most single executables have: each goes with the process. */

export function busFor({ config, log, closers }: ServiceProcess): RemoteBus {
  const bus = busFromConfig({ config, log })
  closers.add(() => bus.close())
  return bus
}

export function neighboursFor({ config, log, clock, closers }: ServiceProcess): Neighbours {
  const neighbours = neighboursFromConfig({ config, log, clock })
  closers.add(() => neighbours.close())
  return neighbours
}

export async function withStore(service: ServiceProcess): Promise<WithStore & { bus: RemoteBus }> {
  const { config, log, clock, closers } = service
  const bus = busFor(service)
  const store = await openDatabase(config, log)
  closers.add(() => store.close())
  return { config, log, clock, bus, store }
}

export function cellsFor({ closers }: ServiceProcess, shared: WithStore): Cells {
  const cells = openCells(shared)
  closers.add(() => cells.close())
  return cells
}
