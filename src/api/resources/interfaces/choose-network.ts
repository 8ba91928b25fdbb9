import type { RequestedNetwork } from '#bus'
import { type Caller, NetworkNotFound, PortInUseByOther } from '#cloud'
import type { Instance } from '#model'
import type { ApiDeps } from '../../deps.ts'
import { ExternalNetworkForbidden } from '../servers/create-faults.ts'
import {
  AddressInUse,
  AddressWithoutNetwork,
  ManyNetworks,
  NetworkAndPort,
  NoNetworkAvailable,
  PortNotUsable,
  PortUnknown,
} from './faults.ts'

export interface AskedInterface {
  readonly net_id?: string
  readonly port_id?: string
  readonly fixed_ips?: readonly { readonly ip_address: string }[]
  readonly tag?: string
}

interface Asking {
  readonly caller: Caller
  readonly instance: Instance
  readonly mayAttachExternal: () => boolean
}

async function networkOfPort(deps: ApiDeps, { caller, instance }: Asking, id: string): Promise<string> {
  const [port] = await deps.network.ports(caller, { ids: [id] })
  if (port === undefined) throw PortUnknown({ id })
  if (port.projectId !== instance.projectId) throw PortNotUsable({ portId: id, id: instance.id })
  if (port.deviceId !== '') throw PortInUseByOther({ id })
  return port.networkId
}

async function chosenNetwork(deps: ApiDeps, { caller, instance, mayAttachExternal }: Asking, id: string | undefined) {
  const networks =
    id === undefined
      ? await deps.network.availableNetworks(caller, instance.projectId)
      : await deps.network.networks(caller, { ids: [id] })
  if (networks.length > 1) throw ManyNetworks({})
  const [network] = networks
  if (network === undefined) {
    throw id === undefined ? NoNetworkAvailable({ projectId: instance.projectId }) : NetworkNotFound({ id })
  }
  if (network.isExternal && !network.isShared && !mayAttachExternal())
    throw ExternalNetworkForbidden({ id: network.id })
  return network.id
}

async function mustBeFree(deps: ApiDeps, networkId: string, address: string): Promise<void> {
  const ports = await deps.network.ports('service', { networkId })
  if (ports.some(port => port.fixedIps.some(ip => ip.ipAddress === address))) throw AddressInUse({ address })
}

/** Which words of the request go together; said before anything is looked up. */
export function checkWords(asked: AskedInterface): void {
  if (asked.net_id !== undefined && asked.port_id !== undefined) throw NetworkAndPort({})
  if (asked.fixed_ips !== undefined && asked.net_id === undefined) throw AddressWithoutNetwork({})
}

/** From the words of the request to a port or a network that exists and may be used. */
export async function chooseNetwork(deps: ApiDeps, asked: AskedInterface, asking: Asking): Promise<RequestedNetwork> {
  const tag = asked.tag ?? null
  const portId = asked.port_id
  if (portId !== undefined) {
    return { networkId: await networkOfPort(deps, asking, portId), portId, fixedIp: null, tag }
  }
  const networkId = await chosenNetwork(deps, asking, asked.net_id)
  const fixedIp = asked.fixed_ips?.[0]?.ip_address ?? null
  if (fixedIp !== null) await mustBeFree(deps, networkId, fixedIp)
  return { networkId, portId: null, fixedIp, tag }
}
