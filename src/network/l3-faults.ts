import { declareFault } from '#base'

/** What Neutron says about routers and floating addresses. */

type Id = { id: string }

export const BadResource = declareFault(
  'BadRequest',
  'refused',
  (p: { resource: string; reason: string }) => `Bad ${p.resource} request: ${p.reason}.`,
)
export const RouterNotFound = declareFault('RouterNotFound', 'missing', (p: Id) => `Router ${p.id} could not be found`)
export const RouterInUse = declareFault(
  'RouterInUse',
  'conflict',
  (p: { id: string; reason: string }) => `Router ${p.id} ${p.reason}`,
)
export const RouterInterfaceNotFound = declareFault(
  'RouterInterfaceNotFound',
  'missing',
  (p: { id: string; portId: string }) => `Router ${p.id} does not have an interface with id ${p.portId}`,
)
export const RouterInterfaceNotFoundForSubnet = declareFault(
  'RouterInterfaceNotFoundForSubnet',
  'missing',
  (p: { id: string; subnetId: string }) => `Router ${p.id} has no interface on subnet ${p.subnetId}`,
)
export const RouterInterfaceInUseByFloatingIp = declareFault(
  'RouterInterfaceInUseByFloatingIP',
  'conflict',
  (p: { id: string; subnetId: string }) =>
    `Router interface for subnet ${p.subnetId} on router ${p.id} cannot be deleted, as it is required by one or more floating IPs.`,
)
export const RouterInterfaceInUseByRoute = declareFault(
  'RouterInterfaceInUseByRoute',
  'conflict',
  (p: { id: string; subnetId: string }) =>
    `Router interface for subnet ${p.subnetId} on router ${p.id} cannot be deleted, as it is required by one or more routes.`,
)
export const SubnetMismatchForPort = declareFault(
  'SubnetMismatchForPort',
  'refused',
  (p: { portId: string; subnetId: string }) =>
    `Subnet on port ${p.portId} does not match the requested subnet ${p.subnetId}.`,
)
export const InvalidRoutes = declareFault(
  'InvalidRoutes',
  'refused',
  (p: { routes: string; reason: string }) => `Invalid format for routes: ${p.routes}, ${p.reason}.`,
)
export const RoutesExhausted = declareFault(
  'RoutesExhausted',
  'refused',
  (p: { id: string; limit: number }) =>
    `Unable to complete operation for ${p.id}. The number of routes exceeds the maximum ${p.limit}.`,
)
export const ExternalNetworkInUse = declareFault(
  'ExternalNetworkInUse',
  'conflict',
  (p: Id) => `External network ${p.id} cannot be updated to be made non-external, since it has existing gateway ports.`,
)
export const FloatingIpNotFound = declareFault(
  'FloatingIPNotFound',
  'missing',
  (p: Id) => `Floating IP ${p.id} could not be found`,
)
export const GatewayForFloatingIpNotFound = declareFault(
  'ExternalGatewayForFloatingIPNotFound',
  'missing',
  (p: { networkId: string; subnetId: string; portId: string }) =>
    `External network ${p.networkId} is not reachable from subnet ${p.subnetId}.  Therefore, cannot associate Port ${p.portId} with a Floating IP.`,
)
export const PortHasFloatingIp = declareFault(
  'FloatingIPPortAlreadyAssociated',
  'conflict',
  (p: { address: string; id: string; portId: string; fixedIp: string; networkId: string }) =>
    `Cannot associate floating IP ${p.address} (${p.id}) with port ${p.portId} using fixed IP ${p.fixedIp}, as that fixed IP already has a floating IP on external network ${p.networkId}.`,
)
export const GatewayInUseByFloatingIp = declareFault(
  'RouterExternalGatewayInUseByFloatingIp',
  'conflict',
  (p: { id: string; networkId: string }) =>
    `Gateway cannot be updated for router ${p.id}, since a gateway to external network ${p.networkId} is required by one or more floating IPs.`,
)
