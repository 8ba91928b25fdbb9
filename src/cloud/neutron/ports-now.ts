import type { Instance, RequestSpec } from '#model'
import type { NetworkPort } from './port.ts'
import { requestedPort } from './requested-port.ts'

/** The ports of a server as they are now, for a move: others than it was built with may have come and gone. */
export async function portsNow(
  { network }: { readonly network: Pick<NetworkPort, 'ports'> },
  { id, networkInfo }: Instance,
): Promise<Pick<RequestSpec, 'ports' | 'networkIds'>> {
  if (networkInfo.length === 0) return { ports: [], networkIds: [] }
  const known = new Set(networkInfo.map(vif => vif.portId))
  const ports = (await network.ports('service', { deviceId: id })).filter(port => known.has(port.id)).map(requestedPort)
  return { ports, networkIds: ports.map(port => port.networkId) }
}
