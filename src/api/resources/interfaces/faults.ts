import { declareFault } from '#base'

export const NetworkAndPort = declareFault(
  'NetworkAndPort',
  'refused',
  () => 'Must not input both network_id and port_id',
)
export const AddressWithoutNetwork = declareFault(
  'AddressWithoutNetwork',
  'refused',
  () => 'Must input network_id when request IP address',
)
export const PortUnknown = declareFault(
  'PortNotFound',
  'missing',
  (p: { id: string }) => `Port id ${p.id} could not be found.`,
)
export const PortNotOfServer = declareFault(
  'PortNotOfInstance',
  'missing',
  (p: { id: string; portId: string }) => `Instance ${p.id} does not have a port with id ${p.portId}`,
)
export const PortNotAttached = declareFault(
  'PortNotAttached',
  'missing',
  (p: { id: string }) => `Port ${p.id} is not attached`,
)
export const PortNotUsable = declareFault(
  'PortNotUsable',
  'refused',
  (p: { portId: string; id: string }) => `Port ${p.portId} not usable for instance ${p.id}.`,
)
export const NoNetworkAvailable = declareFault(
  'InterfaceAttachFailedNoNetwork',
  'refused',
  (p: { projectId: string }) =>
    `No specific network was requested and none are available for project '${p.projectId}'.`,
)
export const ManyNetworks = declareFault(
  'NetworkAmbiguous',
  'refused',
  () => 'Multiple possible networks found, use a Network ID to be more specific.',
)
export const AddressInUse = declareFault(
  'FixedIpAlreadyInUse',
  'conflict',
  (p: { address: string }) => `Fixed IP ${p.address} is already in use.`,
)

/** What the network or the host refused only while it was being done, in their own words. */
const refusedOnTheWay = (status: number) =>
  declareFault(`InterfaceAttachRefused${status}`, 'refused', (p: { message: string }) => p.message, status)

export const lateRefusals = [400, 403, 404, 409].map(refusedOnTheWay)

export const AttachFailed = declareFault(
  'InterfaceAttachFailed',
  'final',
  (p: { id: string }) => `Failed to attach network adapter device to ${p.id}`,
)
