import { bare, ipAddress, obj, operation, resource, until } from '#api/kit'
import { Fault } from '#base'
import { type Caller, NetworkConflict } from '#cloud'
import type { Instance } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { findServer, targetOf } from '../servers/find.ts'
import {
  AssociationFailed,
  CannotAssociate,
  FloatingIpNotThere,
  NetworkNotReady,
  NoFixedIps,
  NoFixedIpv4,
  NoFloatingIpAt,
  NotAssociated,
  NotItsFixedIp,
} from './faults.ts'
import { byAddress, deviceBehind } from './view.ts'

const op = operation<ApiDeps, { id: string }>()
const exists = until('2.44')

/** The fixed address that is meant: the one named, else the first of IPv4. */
function fixedAddressFor({ id, networkInfo }: Instance, address: string, asked: string | undefined): string {
  if (networkInfo.length === 0) throw NetworkNotReady({})
  const fixed = networkInfo.flatMap(vif => vif.subnets.flatMap(subnet => subnet.ips))
  if (fixed.length === 0) throw NoFixedIps({})
  if (asked !== undefined) {
    if (!fixed.some(ip => ip.address === asked)) throw NotItsFixedIp({})
    return asked
  }
  const first = fixed.find(ip => ip.version === 4)
  if (first === undefined) throw NoFixedIpv4({ address, id })
  return first.address
}

async function associate(deps: ApiDeps, caller: Caller, instance: Instance, address: string, fixedAddress: string) {
  const ports = await deps.network.ports(caller, { deviceId: instance.id })
  const port = ports.find(item => item.fixedIps.some(ip => ip.ipAddress === fixedAddress))
  const failed = (error: string, cause?: unknown) =>
    CannotAssociate({ address, fixedAddress, id: instance.id, error }, { cause })
  if (port === undefined) throw failed(`Fixed IP not found for address ${fixedAddress}.`)
  const ip = await byAddress(deps, caller, address).catch((error: unknown) => {
    if (NoFloatingIpAt.is(error)) throw FloatingIpNotThere({}, { cause: error })
    throw error instanceof Fault && error.status < 500 ? failed(error.message, error) : error
  })
  const before = await deviceBehind(deps, caller, ip)
  await deps.network.changeFloatingIp(caller, ip.id, { portId: port.id, fixedAddress }).catch((error: unknown) => {
    if (NetworkConflict.is(error)) throw AssociationFailed({ message: error.message }, { cause: error })
    throw error instanceof Fault && error.status < 500 ? failed(error.message, error) : error
  })
  return before
}

const add = op({
  exists,
  status: 202,
  policy: 'os_compute_api:os-floating-ips:add',
  body: bare(obj({ address: ipAddress, fixed_address: ipAddress.optional() })),
  faults: {
    InstanceNotFound: 404,
    InstanceNetworkNotReady: 400,
    NoFixedIps: 400,
    FixedIpNotOfInstance: 400,
    NoFixedIpv4: 400,
    FloatingIpNotThere: 404,
    FloatingIpAssociateFailed: 400,
    FloatingIpCannotAssociate: 400,
  },
  async handle({ path, body, caller, allow }, deps) {
    const instance = await findServer(deps, caller, path.id)
    allow(targetOf(instance))
    const fixedAddress = fixedAddressFor(instance, body.address, body.fixed_address)
    const before = await associate(deps, caller, instance, body.address, fixedAddress)
    // The server that had the address until now must not show it any more.
    for (const instanceId of new Set([instance.id, before ?? instance.id])) {
      await deps.conductor.refreshNetwork({ instanceId })
    }
  },
})

/** The server is found by the address; the one in the path is only compared with it. */
const remove = op({
  exists,
  status: 202,
  policy: 'os_compute_api:os-floating-ips:remove',
  body: bare(obj({ address: ipAddress })),
  faults: {
    InstanceNotFound: 404,
    FloatingIpNotFoundForAddress: 404,
    FloatingIpMultipleFoundForAddress: 409,
    FloatingIpNotAssociated: 409,
    NetworkBadRequest: 400,
    NetworkForbidden: 403,
    NetworkMissing: 404,
    NetworkConflict: 409,
  },
  async handle({ path, body, caller, allow }, deps) {
    const { address } = body
    const ip = await byAddress(deps, caller, address)
    const device = await deviceBehind(deps, caller, ip)
    const instance = device === undefined ? undefined : await findServer(deps, caller, device)
    allow(instance === undefined ? {} : targetOf(instance))
    if (instance === undefined || instance.id !== path.id) throw NotAssociated({ address, id: path.id })
    await deps.network.changeFloatingIp(caller, ip.id, null)
    await deps.conductor.refreshNetwork({ instanceId: instance.id })
  },
})

/** Gives a server's fixed address a floating one, or takes it away. */
export const serverFloatingIps = resource('/servers/{id}', {
  'POST /action addFloatingIp': add,
  'POST /action removeFloatingIp': remove,
})
