import { int, keyed, list, obj, operation, query, reply, resource, since, str } from '#api/kit'
import { declareFault } from '#base'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import { addressesOf } from '../servers/view.ts'

export const NetworkNotOfServer = declareFault(
  'NetworkNotFoundForInstance',
  'missing',
  () => 'Instance is not a member of specified network',
)

const rule = 'os_compute_api:ips'
const strict = query({}, { strict: since('2.102') })
const byNetwork = keyed({ '^.+$': list(obj({ version: int, addr: str })) })

const index = operation<ApiDeps, { id: string }>()({
  policy: `${rule}:index`,
  query: strict,
  reply: reply('addresses', byNetwork),
  faults: { InstanceNotFound: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    return addressesOf(instance.networkInfo)
  },
})

const show = operation<ApiDeps, { id: string; network: string }>()({
  policy: `${rule}:show`,
  query: strict,
  reply: reply(byNetwork),
  faults: { InstanceNotFound: 404, NetworkNotFoundForInstance: 404 },
  async handle({ path, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const addresses = new Map(Object.entries(addressesOf(instance.networkInfo))).get(path.network)
    if (addresses === undefined) throw NetworkNotOfServer({})
    return { [path.network]: addresses }
  },
})

/** The addresses of a server by the name of the network. */
export const serverIps = resource('/servers/{id}/ips', { 'GET /': index, 'GET /{network}': show })
