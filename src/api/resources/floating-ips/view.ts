import { ipAddress, str, uuid } from '#api/kit'
import type { Caller, FloatingIpView } from '#cloud'
import type { ApiDeps } from '../../deps.ts'
import { ManyFloatingIpsAt, NoFloatingIpAt } from './faults.ts'

export const floatingIp = {
  id: uuid,
  ip: ipAddress,
  pool: str,
  fixed_ip: ipAddress.nullable(),
  instance_id: str.nullable(),
}

/** With the names of their networks and the servers behind their ports: two calls for any number of them. */
export async function views(deps: ApiDeps, caller: Caller, ips: readonly FloatingIpView[]) {
  const networks = await deps.network.networks(caller, { ids: [...new Set(ips.map(ip => ip.networkId))] })
  const portIds = ips.flatMap(ip => ip.portId ?? [])
  const ports = portIds.length === 0 ? [] : await deps.network.ports(caller, { ids: portIds })
  const names = new Map(networks.map(network => [network.id, network.name]))
  const devices = new Map(ports.map(port => [port.id, port.deviceId]))
  return ips.map(ip => ({
    id: ip.id,
    ip: ip.address,
    pool: names.get(ip.networkId) || ip.networkId,
    fixed_ip: ip.fixedAddress,
    instance_id: ip.portId === null ? null : (devices.get(ip.portId) ?? null),
  }))
}

export async function byAddress(deps: ApiDeps, caller: Caller, address: string): Promise<FloatingIpView> {
  const [ip, another] = await deps.network.floatingIps(caller, { addresses: [address] })
  if (ip === undefined) throw NoFloatingIpAt({ address })
  if (another !== undefined) throw ManyFloatingIpsAt({ address })
  return ip
}

/** The id of whatever has the port that the address is on. */
export async function deviceBehind(deps: ApiDeps, caller: Caller, ip: FloatingIpView): Promise<string | undefined> {
  if (ip.portId === null) return undefined
  const [port] = await deps.network.ports(caller, { ids: [ip.portId] })
  return port === undefined || port.deviceId === '' ? undefined : port.deviceId
}
