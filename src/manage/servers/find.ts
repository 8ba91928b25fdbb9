import { type Instance, InstanceNotFound } from '#model'
import type { Cell, Store } from '#store'
import type { ManageWorld } from '../manage-world.ts'

/** A server in its cell. */
export interface FoundServer {
  readonly instance: Instance
  readonly cell: Cell
  readonly store: Store
}

/** A living server, wherever it is; throws `InstanceNotFound`. */
export async function findServer(world: ManageWorld, id: string): Promise<FoundServer> {
  const cell = await (await world.cells()).ofServer(id)
  const store = await cell.store()
  const instance = await store.instances.find(id)
  if (instance === undefined) throw InstanceNotFound({ id })
  return { instance, cell, store }
}

const atOnce = 500

/** All living servers of a cell, oldest first. */
export async function* livingServers(store: Store): AsyncGenerator<Instance> {
  for (let after = 0; ; ) {
    const servers = await store.instances.after(after, atOnce)
    for (const server of servers) if (!server.isDeleted) yield server
    const last = servers.at(-1)
    if (last === undefined || servers.length < atOnce) return
    after = last.number
  }
}
