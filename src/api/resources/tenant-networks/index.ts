import { list, obj, operation, reply, resource, str, until } from '#api/kit'
import type { NetworkView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { findNetwork } from '../networks/index.ts'

const network = { id: str, cidr: str, label: str }

/** Without nova-network the address range is the word None: that is what clients have been told ever since. */
const view = ({ id, name }: NetworkView) => ({ id, cidr: 'None', label: name })

const op = operation<ApiDeps>()
const exists = until('2.36')

/** The same networks as /os-networks, for projects. */
export const tenantNetworks = resource('/os-tenant-networks', {
  'GET /': op({
    exists,
    policy: 'os_compute_api:os-tenant-networks:list',
    reply: reply('networks', list(obj(network))),
    async handle({ caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      return (await deps.network.networks(caller, {})).map(view)
    },
  }),

  'GET /{id}': op({
    exists,
    policy: 'os_compute_api:os-tenant-networks:show',
    reply: reply('network', network),
    faults: { NetworkNotFound: 404 },
    async handle({ path, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      return view(await findNetwork(deps, caller, path.id))
    },
  }),
})
