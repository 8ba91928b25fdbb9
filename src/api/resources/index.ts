import type { Resource } from '#api/kit'
import type { ApiDeps } from '../deps.ts'
import { aggregates } from './aggregates/index.ts'
import { availabilityZones } from './availability-zones/index.ts'
import { baremetalNodes } from './baremetal-nodes/index.ts'
import { consoles, consoleTokens } from './consoles/index.ts'
import { diagnostics } from './diagnostics/index.ts'
import { extensions } from './extensions/index.ts'
import { flavors } from './flavors/index.ts'
import { hosts } from './hosts/index.ts'
import { hypervisors } from './hypervisors/index.ts'
import { imageMetadata, images } from './images/index.ts'
import { instanceActions } from './instance-actions/index.ts'
import { interfaces } from './interfaces/index.ts'
import { keypairs } from './keypairs/index.ts'
import { limits } from './limits/index.ts'
import { quotaClassSets } from './quota-class-sets/index.ts'
import { quotaSets } from './quota-sets/index.ts'
import { removed } from './removed/index.ts'
import { resetState } from './reset-state/index.ts'
import { serverExternalEvents } from './server-external-events/index.ts'
import { serverGroups } from './server-groups/index.ts'
import { serverIps } from './server-ips/index.ts'
import { serverMetadata } from './server-metadata/index.ts'
import { serverPassword } from './server-password/index.ts'
import { serverSecurityGroups } from './server-security-groups/index.ts'
import { serverTags } from './server-tags/index.ts'
import { serverTopology } from './server-topology/index.ts'
import { servers } from './servers/index.ts'
import { services } from './services/index.ts'
import { tenantUsage } from './tenant-usage/index.ts'
import { usageAuditLog } from './usage-audit-log/index.ts'
import { versions } from './versions/index.ts'

/** Every resource of the Compute API. */
export const resources: readonly Resource<ApiDeps>[] = [
  aggregates,
  availabilityZones,
  baremetalNodes,
  consoles,
  consoleTokens,
  diagnostics,
  extensions,
  flavors,
  hosts,
  hypervisors,
  imageMetadata,
  images,
  instanceActions,
  interfaces,
  keypairs,
  limits,
  quotaClassSets,
  quotaSets,
  removed,
  resetState,
  serverGroups,
  serverExternalEvents,
  serverIps,
  serverMetadata,
  serverPassword,
  serverSecurityGroups,
  serverTags,
  serverTopology,
  servers,
  services,
  tenantUsage,
  usageAuditLog,
  versions,
]
