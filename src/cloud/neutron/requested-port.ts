import type { RequestedPort } from '#model'
import type { PortView } from './port.ts'

/** A port as a request for a place sees it; read as the service, for others are not told what it wants. */
export const requestedPort = (port: PortView): RequestedPort => ({
  id: port.id,
  networkId: port.networkId,
  subnetId: port.fixedIps[0]?.subnetId ?? null,
  vnicType: port.vnicType,
  groups: port.resourceGroups,
  sameSubtree: port.sameSubtree,
})
