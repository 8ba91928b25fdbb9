import type { RequestedNetwork } from '#bus'
import { type Caller, type NetworkView, PortInUseByOther, PortQuotaExceeded, type PortView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { BadServerRequest, ExternalNetworkForbidden, NetworkAmbiguous, NoUniqueMatch } from './create-faults.ts'

export interface AskedNetwork {
  readonly uuid?: string
  readonly port?: string | null
  readonly fixed_ip?: string
  readonly tag?: string
}

interface Asking {
  readonly caller: Caller
  /** May put a server on an external network. */
  readonly mayAttachExternal: () => boolean
  readonly isMany: boolean
}

const plain = (networkId: string): RequestedNetwork => ({ networkId, portId: null, fixedIp: null, tag: null })

/** What a server without words about networks gets: nothing, or the one network there is. */
async function automatic(deps: ApiDeps, caller: Caller, mustHave: boolean): Promise<readonly RequestedNetwork[]> {
  const networks = await deps.network.availableNetworks(caller, caller.projectId ?? '')
  if (networks.length > 1) throw NetworkAmbiguous({})
  const [network] = networks
  if (network !== undefined) return [plain(network.id)]
  if (!mustHave) return []
  const made = await deps.network.automaticNetwork(caller, caller.projectId ?? '')
  if (made !== undefined) return [plain(made)]
  throw BadServerRequest({ text: `Unable to automatically allocate a network for project ${caller.projectId}` })
}

function portOf(ports: readonly PortView[], id: string): PortView {
  const port = ports.find(p => p.id === id)
  if (port === undefined) throw BadServerRequest({ text: `Port id ${id} could not be found.` })
  return port
}

function usable(port: PortView): void {
  if (port.deviceId !== '') throw PortInUseByOther({ id: port.id })
  if (port.fixedIps.length === 0)
    throw BadServerRequest({ text: `Port ${port.id} requires a FixedIP in order to be used.` })
}

function mustBeUsable(network: NetworkView | undefined, id: string, asking: Asking): void {
  if (network === undefined) throw BadServerRequest({ text: `Network ${id} could not be found.` })
  const isForeignExternal = network.isExternal && !network.isShared
  if (isForeignExternal && !asking.mayAttachExternal()) throw ExternalNetworkForbidden({ id })
  if (network.subnetIds.length === 0) {
    throw BadServerRequest({ text: `Network ${id} requires a subnet in order to boot instances on.` })
  }
}

/** From the words of the request to ports and networks that exist and may be used. */
export async function networksFor(
  deps: ApiDeps,
  asked: readonly AskedNetwork[] | 'none' | 'auto' | undefined,
  asking: Asking,
): Promise<readonly RequestedNetwork[]> {
  const { caller } = asking
  if (asked === 'none') return []
  if (asked === 'auto') return automatic(deps, caller, true)
  if (asked === undefined || asked.length === 0) return automatic(deps, caller, false)
  const portIds = asked.flatMap(n => (n.port === undefined || n.port === null ? [] : [n.port]))
  if (new Set(portIds).size < portIds.length) throw BadServerRequest({ text: 'Duplicate ports are not allowed.' })
  if (asking.isMany && portIds.length > 0) {
    throw BadServerRequest({
      text: 'Unable to launch multiple instances with a single configured port ID. Please launch your instance one by one with different ports.',
    })
  }
  if (asking.isMany && asked.some(n => n.fixed_ip !== undefined)) {
    throw BadServerRequest({ text: 'Invalid fixed IP: it cannot be used with max_count > 1.' })
  }
  const ports = portIds.length === 0 ? [] : await deps.network.ports(caller, { ids: portIds })
  const wanted = asked.map(n => (n.port === undefined || n.port === null ? n.uuid : portOf(ports, n.port).networkId))
  const ids = [...new Set(wanted.filter(id => id !== undefined))]
  const networks = ids.length === 0 ? [] : await deps.network.networks(caller, { ids })
  const resolved: RequestedNetwork[] = []
  for (const [i, request] of asked.entries()) {
    const networkId = wanted[i]
    if (networkId === undefined) throw BadServerRequest({ text: 'Bad network format: missing "uuid" or "port"' })
    if (request.port !== undefined && request.port !== null) usable(portOf(ports, request.port))
    else
      mustBeUsable(
        networks.find(n => n.id === networkId),
        networkId,
        asking,
      )
    resolved.push({
      networkId,
      portId: request.port ?? null,
      fixedIp: request.port ? null : (request.fixed_ip ?? null),
      tag: request.tag ?? null,
    })
  }
  return resolved
}

/** As many servers as the project may still have ports for, but never fewer than asked for at least. */
export async function withinPortQuota<C extends { readonly minCount: number; readonly maxCount: number }>(
  deps: ApiDeps,
  caller: Caller,
  networks: readonly RequestedNetwork[],
  count: C,
): Promise<C> {
  const portsEach = networks.filter(network => network.portId === null).length
  if (portsEach === 0) return count
  const left = await deps.network.portQuotaLeft(caller, caller.projectId ?? '')
  if (left === undefined) return count
  const fitting = Math.floor(left / portsEach)
  if (fitting < count.minCount) throw PortQuotaExceeded({})
  return { ...count, maxCount: Math.min(count.maxCount, fitting) }
}

/** Ids of the named groups, for the ports that we make. `default` alone is what a port gets by itself. */
export async function securityGroupIdsFor(
  deps: ApiDeps,
  caller: Caller,
  names: readonly string[],
): Promise<readonly string[]> {
  if (names.length === 0 || (names.length === 1 && names[0] === 'default')) return []
  const groups = await deps.network.securityGroups(caller, caller.projectId ?? '')
  return names.map(wanted => {
    const byId = groups.find(g => g.id === wanted)
    if (byId !== undefined) return byId.id
    const found = groups.filter(g => g.name === wanted)
    if (found.length > 1) {
      throw NoUniqueMatch({ name: wanted })
    }
    const [group] = found
    if (group === undefined)
      throw BadServerRequest({ text: `Security group ${wanted} not found for project ${caller.projectId}.` })
    return group.id
  })
}
