import { resolve } from 'node:path'
import type { PlacementPort } from '#cloud'
import { openPlacementPort } from '#placement'
import { databaseUrl } from './database.ts'
import { neighboursFromConfig } from './neighbours-from-config.ts'
import type { Opened } from './nova-manage.ts'
import type { Neighbours } from './shared.ts'

const made = new WeakMap<Opened, Neighbours>()

/** What nova.conf names; each is opened when it is first asked. */
function neighboursOf(o: Opened): Neighbours {
  const known = made.get(o)
  if (known !== undefined) return known
  const neighbours = neighboursFromConfig(o)
  o.closers.add(() => neighbours.close())
  made.set(o, neighbours)
  return neighbours
}

/** The network of one machine is in its process alone; it has no segments that anybody need ask it for. */
export const networkOf = (o: Opened): Pick<Neighbours, 'network'> => neighboursOf(o)

/** The placement that nova.conf names, or the one in the state folder of a one-machine cloud. */
export async function placementOf(o: Opened): Promise<PlacementPort> {
  const { stateDir, log, clock, closers } = o
  if (stateDir === undefined) return neighboursOf(o).placement
  const opened = await openPlacementPort({ databaseUrl: databaseUrl(resolve(stateDir), 'placement'), log, clock })
  closers.add(() => opened.close())
  return opened.port
}
