import { type Fields, list, type OutOf, obj, operation, reply, resource, until } from '#api/kit'
import { declareFault } from '#base'
import type { Caller, NetworkView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'

/** In the proxy's words, not Neutron's. */
export const NetworkUnknown = declareFault('NetworkNotFound', 'missing', () => 'Network not found')

export async function findNetwork(deps: ApiDeps, caller: Caller, id: string): Promise<NetworkView> {
  const [found] = await deps.network.networks(caller, { ids: [id] })
  if (found === undefined) throw NetworkUnknown({})
  return found
}

const op = operation<ApiDeps>()
const exists = until('2.36')

/** The networks that the caller sees, by proxy, in one of the two forms that clients know. */
export const proxiedNetworks = <const F extends Fields>(
  path: '/os-networks' | '/os-tenant-networks',
  fields: F,
  view: (network: NetworkView, caller: Caller) => OutOf<F>,
) => {
  const rule = `os_compute_api:${path.slice(1)}`
  return resource(path, {
    'GET /': op({
      exists,
      policy: `${rule}:list`,
      reply: reply('networks', list(obj(fields))),
      async handle({ caller, allow }, deps) {
        allow({ project_id: caller.projectId })
        return (await deps.network.networks(caller, {})).map(network => view(network, caller))
      },
    }),

    'GET /{id}': op({
      exists,
      policy: `${rule}:show`,
      reply: reply('network', obj(fields)),
      faults: { NetworkNotFound: 404 },
      async handle({ path: { id }, caller, allow }, deps) {
        allow({ project_id: caller.projectId })
        return view(await findNetwork(deps, caller, id), caller)
      },
    }),
  })
}
