import { hostname } from 'node:os'
import { join } from 'node:path'
import { type EphemeralFormat, usualEphemeralFormat } from '../disks/spare-disks.ts'
import type { DiskOptions } from '../domain/index.ts'
import type { HostCapabilities } from '../host/host-capabilities.ts'
import { firstAddress } from '../host/host-view.ts'
import type { LibvirtClient } from '../rpc/index.ts'
import { GuestSecrets } from '../secrets/secrets.ts'
import { type DetachPatience, usualDetachPatience } from './detach-patience.ts'
import { type HostIdentity, initiatorName } from './host-connector.ts'
import { type VolumeAccess, VolumeConnections } from './volume-connections.ts'

/** How disks and volumes of guests are handled. Everything has Nova's default. */
export interface VolumeOptions {
  readonly disks?: DiskOptions
  readonly ephemeralFormat?: EphemeralFormat
  readonly detachPatience?: DetachPatience
  /** Who this host is to the volume service; by default its name and first address. */
  readonly identity?: Partial<HostIdentity>
  readonly access?: Partial<Omit<VolumeAccess, 'initiator'>>
}

/** What guests and facets of one driver share of it. */
export interface VolumeParts {
  readonly connections: VolumeConnections
  readonly ephemeralFormat: EphemeralFormat
  readonly detachPatience: DetachPatience
  readonly identity: HostIdentity
}

export function volumeParts(
  options: VolumeOptions,
  client: LibvirtClient,
  { hostUuid }: Pick<HostCapabilities, 'hostUuid'>,
  instancesPath: string,
): VolumeParts {
  const { access, identity } = options
  const initiator = identity?.initiator ?? initiatorName(hostUuid)
  const usual = { nfsMounts: join(instancesPath, 'mnt'), rbd: { user: null, secretUuid: null } }
  return {
    connections: new VolumeConnections(new GuestSecrets(client), { ...usual, ...access, initiator }),
    ephemeralFormat: options.ephemeralFormat ?? usualEphemeralFormat,
    detachPatience: options.detachPatience ?? usualDetachPatience,
    identity: { host: hostname(), ip: firstAddress(), ...identity, initiator },
  }
}
