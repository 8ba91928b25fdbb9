import { type Clock, Fault } from '#base'
import type { As } from '../glance/port.ts'
import { inPath, type ServiceOptions } from '../http/service-client.ts'
import { NeutronApi } from './api.ts'
import { bindings } from './bindings.ts'
import {
  FixedIpInUse,
  NetworkNotFound,
  type NetworkPort,
  NoMoreFixedIps,
  type PortChange,
  PortInUseByOther,
  PortNotFound,
  PortQuotaExceeded,
  type PortRequest,
  type PortView,
  SecurityGroupNotFound,
} from './port.ts'
import { proxied } from './proxied.ts'
import {
  networkOf,
  portOf,
  subnetOf,
  type WireFloatingIp,
  type WireNetwork,
  type WirePort,
  type WireSubnet,
} from './wire.ts'

export interface NeutronOptions extends ServiceOptions {
  readonly clock: Clock
  /** `[neutron]extension_sync_interval`. */
  readonly extensionsMs?: number
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i
/** Neutron names what it misses in its sentence only. */
const namedIn = (error: Fault): string => uuid.exec(error.message)?.[0] ?? ''

/** Neutron's refusals in the words Nova has for them. */
function translate(error: unknown, at: { networkId?: string; portId?: string }): unknown {
  if (!(error instanceof Fault)) return error
  const options = { cause: error, ...(error.detail === undefined ? {} : { detail: error.detail }) }
  switch (error.code) {
    case 'IpAddressGenerationFailure':
    case 'ExternalIpAddressExhausted':
      return NoMoreFixedIps({ id: at.networkId ?? namedIn(error) }, options)
    case 'OverQuota':
      return PortQuotaExceeded({}, options)
    case 'NetworkNotFound':
      return NetworkNotFound({ id: namedIn(error) || (at.networkId ?? '') }, options)
    case 'PortNotFound':
      return PortNotFound({ id: at.portId ?? namedIn(error) }, options)
    case 'SecurityGroupNotFound':
      return SecurityGroupNotFound({ id: namedIn(error) }, options)
    default:
      return error
  }
}

const addressTaken = ['IpAddressAlreadyAllocated', 'IpAddressInUse']
const isCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Fault && codes.includes(error.code)

const given = <V>(name: string, value: V | undefined) => (value === undefined ? {} : { [name]: value })

async function views(api: NeutronApi, as: As, wires: readonly WirePort[]): Promise<readonly PortView[]> {
  const ids = wires.map(wire => wire.id)
  // Without routers there is nothing that a floating address could be on.
  const floating =
    ids.length > 0 && (await api.has('router'))
      ? await api.list<WireFloatingIp>(as, 'floatingips', { port_id: ids }, 'port_id')
      : []
  const addresses = (id: string) =>
    floating
      .filter(ip => ip.port_id === id)
      .map(ip => ({ address: ip.floating_ip_address, fixedAddress: ip.fixed_ip_address ?? '' }))
  return wires.map(wire => portOf(wire, addresses(wire.id)))
}

async function viewOf(api: NeutronApi, as: As, wire: WirePort): Promise<PortView> {
  const [view] = await views(api, as, [wire])
  if (view === undefined) throw PortNotFound({ id: wire.id })
  return view
}

const nameOf = async (api: NeutronApi, hostname: string | undefined) =>
  hostname !== undefined && (await api.has('dns-integration')) ? { dns_name: hostname } : {}

async function create(api: NeutronApi, as: As, request: PortRequest): Promise<WirePort> {
  const port = {
    network_id: request.networkId,
    project_id: request.projectId,
    tenant_id: request.projectId,
    admin_state_up: true,
    device_id: request.deviceId,
    device_owner: request.deviceOwner,
    ...given('binding:host_id', request.bindingHost),
    ...given(
      'fixed_ips',
      request.fixedIps?.map(ip => ({ ip_address: ip.ipAddress })),
    ),
    ...given('mac_address', request.macAddress),
    ...given('security_groups', request.securityGroupIds),
    ...(await nameOf(api, request.hostname)),
  }
  try {
    return await api.one<WirePort>(as, { method: 'POST', path: '/ports', json: { port } })
  } catch (error) {
    const address = request.fixedIps?.[0]?.ipAddress
    if (address === undefined || !isCode(error, addressTaken)) throw translate(error, { networkId: request.networkId })
    const query = { network_id: request.networkId, fixed_ips: `ip_address=${address}` }
    const [holder] = await api.list<WirePort>('service', 'ports', query)
    throw FixedIpInUse({ address, id: holder?.device_id ?? request.networkId }, { cause: error })
  }
}

const fixedIpWire = ({ subnetId, ipAddress }: { subnetId: string; ipAddress?: string }) => ({
  subnet_id: subnetId,
  ...given('ip_address', ipAddress),
})

/** Lost races in a row after which somebody else may find out what is going on. */
const attempts = 5

/**
 * Whoever comes first has the port. Neutron takes a condition on the revision, and then check and change are one; without
 * that extension a change between the two goes unnoticed.
 */
async function update(api: NeutronApi, as: As, id: string, change: PortChange): Promise<WirePort> {
  const isGuarded = await api.has('revision-if-match')
  const path = `/ports/${inPath(id)}`
  for (let attempt = 1; ; attempt++) {
    const now = await api.one<WirePort>(as, { method: 'GET', path })
    const { deviceId } = change
    if (now.device_id !== '' && deviceId !== undefined && deviceId !== '' && deviceId !== now.device_id) {
      throw PortInUseByOther({ id })
    }
    const port = {
      ...given('device_id', deviceId),
      ...given('device_owner', change.deviceOwner),
      ...given('binding:host_id', change.bindingHost),
      ...given('binding:profile', change.profile),
      ...given('security_groups', change.securityGroupIds),
      ...given('fixed_ips', change.fixedIps?.map(fixedIpWire)),
      ...(await nameOf(api, change.hostname)),
    }
    const guard = isGuarded && now.revision_number !== undefined
    const headers = guard ? { 'if-match': `revision_number=${now.revision_number}` } : {}
    try {
      return await api.one<WirePort>(as, { method: 'PUT', path, json: { port }, headers })
    } catch (error) {
      if (attempt >= attempts || !(error instanceof Fault) || error.status !== 412) throw error
    }
  }
}

async function quotaLeft(api: NeutronApi, as: As, projectId: string): Promise<number | undefined> {
  const path = `/quotas/${inPath(projectId)}`
  if (await api.has('quota_details')) {
    type Details = { port: { limit: number; used: number; reserved?: number } }
    const { port } = await api.one<Details>(as, { method: 'GET', path: `${path}/details.json` })
    return port.limit < 0 ? undefined : Math.max(0, port.limit - port.used - (port.reserved ?? 0))
  }
  const { port } = await api.one<{ port: number }>(as, { method: 'GET', path })
  if (port < 0) return undefined
  const used = await api.list<{ id: string }>(as, 'ports', { project_id: projectId, fields: 'id' })
  return Math.max(0, port - used.length)
}

async function subnets(api: NeutronApi, as: As, which: { id: readonly string[] } | { network_id: string }) {
  const wires = await api.list<WireSubnet>(as, 'subnets', which)
  const networkIds = [...new Set(wires.filter(wire => wire.enable_dhcp).map(wire => wire.network_id))]
  // Ports of Neutron's own are not the user's to see.
  const query = { network_id: networkIds, device_owner: 'network:dhcp' }
  const servers = await api.list<WirePort>('service', 'ports', query, 'network_id')
  const addresses = servers.flatMap(port => port.fixed_ips)
  return wires.map(wire => subnetOf(wire, addresses.find(ip => ip.subnet_id === wire.id)?.ip_address))
}

/** Neutron v2.0. */
export function neutronPort(options: NeutronOptions): NetworkPort {
  const api = new NeutronApi(options)
  return {
    async networks(as, { ids, names, isExternal }) {
      const outside = isExternal === undefined ? undefined : String(isExternal)
      const query = { id: ids, name: names, 'router:external': outside }
      const wires = await api.list<WireNetwork>(as, 'networks', query)
      return wires.map(networkOf)
    },
    async availableNetworks(as, projectId) {
      const own = await api.list<WireNetwork>(as, 'networks', { project_id: projectId, shared: 'false' })
      const mine = own.map(networkOf).filter(network => !network.isExternal)
      if (mine.length > 0) return mine
      const shared = await api.list<WireNetwork>(as, 'networks', { shared: 'true' })
      return shared.map(networkOf).filter(network => !network.isExternal)
    },
    async automaticNetwork(as, projectId) {
      if (!(await api.has('auto-allocated-topology'))) return undefined
      try {
        const path = `/auto-allocated-topology/${inPath(projectId)}`
        return (await api.one<{ id: string }>(as, { method: 'GET', path })).id
      } catch (error) {
        if (isCode(error, ['AutoAllocationFailure'])) return undefined
        throw error
      }
    },
    subnets: (as, ids) => subnets(api, as, { id: ids }),
    subnetsOfNetwork: (as, networkId) => subnets(api, as, { network_id: networkId }),
    async ports(as, { ids, deviceId, networkId }) {
      const query = { id: ids, device_id: deviceId, network_id: networkId }
      return views(api, as, await api.list<WirePort>(as, 'ports', query))
    },
    async createPort(as, request) {
      return viewOf(api, as, await create(api, as, request))
    },
    async updatePort(as, id, change) {
      try {
        return await viewOf(api, as, await update(api, as, id, change))
      } catch (error) {
        throw translate(error, { portId: id })
      }
    },
    async deletePort(as, id) {
      try {
        await api.call(as, { method: 'DELETE', path: `/ports/${inPath(id)}` })
      } catch (error) {
        if (!(error instanceof Fault && error.status === 404)) throw error
      }
    },
    ...proxied(api),
    ...bindings(api),
    portQuotaLeft: (as, projectId) => quotaLeft(api, as, projectId),
  }
}
