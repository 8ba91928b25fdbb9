import { ServiceNotFound } from '#model'
import type { Service } from '#store'
import { type Gathered, havingIt, ofHost } from '../../cells.ts'
import type { ApiDeps } from '../../deps.ts'
import { ServiceNotUnique } from './faults.ts'

/** The service, and what its cell has. `ServiceNotFound`, `ServiceNotUnique`. */
export async function findService(deps: ApiDeps, id: string | number): Promise<Gathered<Service>> {
  const found = await havingIt(deps, ({ store }) =>
    store.services.get(id).catch((error: unknown) => {
      if (ServiceNotFound.is(error)) return undefined
      throw error
    }),
  )
  const [first, second] = found
  if (first === undefined) throw ServiceNotFound({ id: String(id) })
  if (second !== undefined) throw ServiceNotUnique({ id: String(id) })
  return first
}

/** The nova-compute of a host in whichever cell; undefined where there is none, or the host is in no cell. */
export async function findCompute(deps: ApiDeps, host: string): Promise<Gathered<Service> | undefined> {
  const own = await ofHost(deps, host)
  const value = await own?.store.services.find(host, 'nova-compute')
  return own === undefined || value === undefined ? undefined : { deps: own, value }
}
