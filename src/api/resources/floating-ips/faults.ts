import { declareFault } from '#base'

type Address = { address: string }

export const FloatingIpUnknown = declareFault(
  'FloatingIpNotFound',
  'missing',
  (p: { id: string }) => `Floating IP not found for ID ${p.id}`,
)
export const NoFloatingIpAt = declareFault(
  'FloatingIpNotFoundForAddress',
  'missing',
  (p: Address) => `Floating IP not found for address ${p.address}.`,
)
export const ManyFloatingIpsAt = declareFault(
  'FloatingIpMultipleFoundForAddress',
  'conflict',
  (p: Address) => `Multiple floating IPs are found for address ${p.address}.`,
)
/** Where the server's own action looks for it. */
export const FloatingIpNotThere = declareFault('FloatingIpNotThere', 'missing', () => 'floating IP not found')

export const PoolUnknown = declareFault('FloatingIpPoolNotFound', 'missing', () => 'Floating IP pool not found.')
export const ManyPools = declareFault(
  'FloatingIpPoolAmbiguous',
  'refused',
  (p: { name: string }) => `Multiple floating IP pools matches found for name '${p.name}'`,
)

type Pool = { pool: string | null }
export const PoolExhausted = declareFault('NoMoreFloatingIps', 'missing', (p: Pool) =>
  p.pool === null ? 'No more floating IPs available.' : `No more floating IPs in pool ${p.pool}.`,
)
export const PoolOverQuota = declareFault(
  'FloatingIpLimitExceeded',
  'refused',
  (p: Pool) => (p.pool === null ? 'IP allocation over quota.' : `IP allocation over quota in pool ${p.pool}.`),
  403,
)

export const NetworkNotReady = declareFault(
  'InstanceNetworkNotReady',
  'refused',
  () => 'Instance network is not ready yet',
)
export const NoFixedIps = declareFault('NoFixedIps', 'refused', () => 'No fixed IPs associated to instance')
export const NotItsFixedIp = declareFault(
  'FixedIpNotOfInstance',
  'refused',
  () => 'Specified fixed address not assigned to instance',
)
export const NoFixedIpv4 = declareFault(
  'NoFixedIpv4',
  'refused',
  (p: { address: string; id: string }) =>
    `Unable to associate floating IP ${p.address} to any fixed IPs for instance ${p.id}. Instance has no fixed IPv4 addresses to associate.`,
)
export const AssociationFailed = declareFault(
  'FloatingIpAssociateFailed',
  'refused',
  (p: { message: string }) => p.message,
)
/** Whatever else the network says about it. */
export const CannotAssociate = declareFault(
  'FloatingIpCannotAssociate',
  'refused',
  (p: { address: string; fixedAddress: string; id: string; error: string }) =>
    `Unable to associate floating IP ${p.address} to fixed IP ${p.fixedAddress} for instance ${p.id}. Error: ${p.error}`,
)
export const NotAssociated = declareFault(
  'FloatingIpNotAssociated',
  'conflict',
  (p: { address: string; id: string }) => `Floating IP ${p.address} is not associated with instance ${p.id}.`,
)
