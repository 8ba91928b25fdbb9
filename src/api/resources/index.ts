import type { Resource } from '#api/kit'
import type { ApiDeps } from '../deps.ts'
import { aggregates } from './aggregates/index.ts'
import { assistedVolumeSnapshots } from './assisted-volume-snapshots/index.ts'
import { availabilityZones } from './availability-zones/index.ts'
import { baremetalNodes } from './baremetal-nodes/index.ts'
import { consoles, consoleTokens } from './consoles/index.ts'
import { diagnostics } from './diagnostics/index.ts'
import { extensions } from './extensions/index.ts'
import { flavors } from './flavors/index.ts'
import { floatingIpPools, floatingIps } from './floating-ips/index.ts'
import { serverFloatingIps } from './floating-ips/server-actions.ts'
import { hosts } from './hosts/index.ts'
import { hypervisors } from './hypervisors/index.ts'
import { imageMetadata, images } from './images/index.ts'
import { instanceActions } from './instance-actions/index.ts'
import { interfaces } from './interfaces/index.ts'
import { keypairs } from './keypairs/index.ts'
import { limits } from './limits/index.ts'
import { migrations } from './migrations/index.ts'
import { serverMigrations } from './migrations/of-server.ts'
import { moves } from './moves/index.ts'
import { networks } from './networks/index.ts'
import { quotaClassSets } from './quota-class-sets/index.ts'
import { quotaSets } from './quota-sets/index.ts'
import { removed } from './removed/index.ts'
import { removedNetworks } from './removed/networks.ts'
import { resetState } from './reset-state/index.ts'
import { securityGroupRules, securityGroups } from './security-groups/index.ts'
import { serverExternalEvents } from './server-external-events/index.ts'
import { serverFixedIps } from './server-fixed-ips/index.ts'
import { serverGroups } from './server-groups/index.ts'
import { serverIps } from './server-ips/index.ts'
import { serverMetadata } from './server-metadata/index.ts'
import { serverPassword } from './server-password/index.ts'
import { serverSecurityGroups } from './server-security-groups/index.ts'
import { serverShares } from './server-shares/index.ts'
import { serverShelve } from './server-shelve/index.ts'
import { serverSnapshots } from './server-snapshots/index.ts'
import { serverTags } from './server-tags/index.ts'
import { serverTopology } from './server-topology/index.ts'
import { servers } from './servers/index.ts'
import { services } from './services/index.ts'
import { tenantNetworks } from './tenant-networks/index.ts'
import { tenantUsage } from './tenant-usage/index.ts'
import { usageAuditLog } from './usage-audit-log/index.ts'
import { versions } from './versions/index.ts'
import { volumeAttachments } from './volume-attachments/index.ts'
import { volumes } from './volumes/index.ts'
import { volumeSnapshots } from './volumes/snapshots.ts'
import { volumesBoot } from './volumes-boot/index.ts'

const own: readonly Resource<ApiDeps>[] = [
  aggregates,
  availabilityZones,
  baremetalNodes,
  consoles,
  consoleTokens,
  diagnostics,
  extensions,
  flavors,
  floatingIpPools,
  floatingIps,
  hosts,
  hypervisors,
  imageMetadata,
  images,
  instanceActions,
  interfaces,
  keypairs,
  limits,
  networks,
  migrations,
  moves,
  quotaClassSets,
  quotaSets,
  removed,
  removedNetworks,
  resetState,
  securityGroupRules,
  securityGroups,
  serverFixedIps,
  serverFloatingIps,
  serverGroups,
  serverExternalEvents,
  serverIps,
  serverMetadata,
  serverMigrations,
  serverPassword,
  serverSecurityGroups,
  serverShares,
  serverShelve,
  serverSnapshots,
  serverTags,
  serverTopology,
  servers,
  services,
  tenantNetworks,
  tenantUsage,
  usageAuditLog,
  versions,
  volumeAttachments,
  volumes,
  volumeSnapshots,
  assistedVolumeSnapshots,
]

/** Every resource of the Compute API. */
export const resources: readonly Resource<ApiDeps>[] = [...own, volumesBoot(own)]
