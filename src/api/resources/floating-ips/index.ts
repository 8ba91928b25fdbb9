import { bare, either, list, nil, obj, operation, reply, resource, str, until } from '#api/kit'
import { isUuidLike } from '#base'
import { type Caller, type FloatingIpView, NetworkExhausted, NetworkOverQuota } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { findServer } from '../servers/find.ts'
import { FloatingIpUnknown, ManyPools, PoolExhausted, PoolOverQuota, PoolUnknown } from './faults.ts'
import { byAddress, deviceBehind, floatingIp, views } from './view.ts'

const op = operation<ApiDeps>()
const exists = until('2.36')
const rule = 'os_compute_api:os-floating-ips'

async function find(deps: ApiDeps, caller: Caller, id: string): Promise<FloatingIpView> {
  const [ip] = await deps.network.floatingIps(caller, { ids: [id] })
  if (ip === undefined) throw FloatingIpUnknown({ id })
  return ip
}

async function only(deps: ApiDeps, caller: Caller, ip: FloatingIpView) {
  const [view] = await views(deps, caller, [ip])
  if (view === undefined) throw FloatingIpUnknown({ id: ip.id })
  return view
}

/** By id or name; without one the pool of nova.conf. */
async function poolOf(deps: ApiDeps, caller: Caller, asked: string | null): Promise<string> {
  const name = asked ?? deps.settings.defaultFloatingPool
  const which = isUuidLike(name) ? { ids: [name] } : { names: [name] }
  const [pool, another] = await deps.network.networks(caller, { ...which, isExternal: true })
  if (pool === undefined) throw PoolUnknown({})
  if (another !== undefined) throw ManyPools({ name })
  return pool.id
}

async function allocate(deps: ApiDeps, caller: Caller, pool: string | null): Promise<FloatingIpView> {
  const networkId = await poolOf(deps, caller, pool)
  try {
    return await deps.network.createFloatingIp(caller, networkId)
  } catch (error) {
    if (NetworkExhausted.is(error)) throw PoolExhausted({ pool }, { cause: error })
    if (NetworkOverQuota.is(error)) throw PoolOverQuota({ pool }, { cause: error })
    throw error
  }
}

/** The project's floating addresses, by proxy. */
export const floatingIps = resource('/os-floating-ips', {
  'GET /': op({
    exists,
    policy: `${rule}:list`,
    reply: reply('floating_ips', list(obj(floatingIp))),
    async handle({ caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      return views(deps, caller, await deps.network.floatingIps(caller, { projectId: caller.projectId ?? '' }))
    },
  }),

  'POST /': op({
    exists,
    policy: `${rule}:create`,
    body: bare(either(obj({ pool: str.nullable().optional() }, { rest: 'any' }), nil)),
    reply: reply('floating_ip', floatingIp),
    faults: {
      FloatingIpPoolNotFound: 404,
      FloatingIpPoolAmbiguous: 400,
      NoMoreFloatingIps: 404,
      FloatingIpLimitExceeded: 403,
      NetworkBadRequest: 400,
      NetworkForbidden: 403,
      NetworkMissing: 404,
    },
    async handle({ body, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      // No word and an empty one are the same.
      return only(deps, caller, await allocate(deps, caller, body?.pool || null))
    },
  }),

  'GET /{id}': op({
    exists,
    policy: `${rule}:show`,
    reply: reply('floating_ip', floatingIp),
    faults: { FloatingIpNotFound: 404 },
    async handle({ path, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      return only(deps, caller, await find(deps, caller, path.id))
    },
  }),

  'DELETE /{id}': op({
    exists,
    status: 202,
    policy: `${rule}:delete`,
    faults: {
      FloatingIpNotFound: 404,
      FloatingIpNotFoundForAddress: 404,
      FloatingIpMultipleFoundForAddress: 409,
      InstanceNotFound: 404,
      NetworkMissing: 404,
      NetworkForbidden: 403,
      NetworkBadRequest: 400,
      NetworkConflict: 409,
    },
    async handle({ path, caller, allow }, deps) {
      allow({ project_id: caller.projectId })
      const { address } = await find(deps, caller, path.id)
      const ip = await byAddress(deps, caller, address)
      const device = await deviceBehind(deps, caller, ip)
      if (device !== undefined) await findServer(deps, caller, device)
      await deps.network.deleteFloatingIp(caller, ip.id)
      if (device !== undefined) await deps.conductor.refreshNetwork({ instanceId: device })
    },
  }),
})

/** The networks outside, by name. */
export const floatingIpPools = resource('/os-floating-ip-pools', {
  'GET /': op({
    exists,
    policy: 'os_compute_api:os-floating-ip-pools',
    reply: reply('floating_ip_pools', list(obj({ name: str }))),
    async handle({ caller, allow }, deps) {
      allow({})
      const pools = await deps.network.networks(caller, { isExternal: true })
      return pools.map(({ id, name }) => ({ name: name || id }))
    },
  }),
})
