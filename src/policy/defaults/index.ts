import type { RuleDefault } from '../rule-default.ts'
import { adminActions } from './admin-actions.ts'
import { adminPassword } from './admin-password.ts'
import { aggregates } from './aggregates.ts'
import { assistedVolumeSnapshots } from './assisted-volume-snapshots.ts'
import { attachInterfaces } from './attach-interfaces.ts'
import { availabilityZones } from './availability-zones.ts'
import { baremetalNodes } from './baremetal-nodes.ts'
import { base } from './base.ts'
import { cellsScheduler } from './cells-scheduler.ts'
import { consoleAuthTokens } from './console-auth-tokens.ts'
import { consoleOutput } from './console-output.ts'
import { createBackup } from './create-backup.ts'
import { deferredDelete } from './deferred-delete.ts'
import { evacuate } from './evacuate.ts'
import { extendedServerAttributes } from './extended-server-attributes.ts'
import { extensions } from './extensions.ts'
import { flavorAccess } from './flavor-access.ts'
import { flavorExtraSpecs } from './flavor-extra-specs.ts'
import { flavorManage } from './flavor-manage.ts'
import { floatingIpPools } from './floating-ip-pools.ts'
import { floatingIps } from './floating-ips.ts'
import { hosts } from './hosts.ts'
import { hypervisors } from './hypervisors.ts'
import { instanceActions } from './instance-actions.ts'
import { instanceUsageAuditLog } from './instance-usage-audit-log.ts'
import { keypairs } from './keypairs.ts'
import { limits } from './limits.ts'
import { lockServer } from './lock-server.ts'
import { migrateServer } from './migrate-server.ts'
import { migrations } from './migrations.ts'
import { multinic } from './multinic.ts'
import { networks } from './networks.ts'
import { pauseServer } from './pause-server.ts'
import { quotaClassSets } from './quota-class-sets.ts'
import { quotaSets } from './quota-sets.ts'
import { remoteConsoles } from './remote-consoles.ts'
import { rescue } from './rescue.ts'
import { securityGroups } from './security-groups.ts'
import { serverDiagnostics } from './server-diagnostics.ts'
import { serverExternalEvents } from './server-external-events.ts'
import { serverGroups } from './server-groups.ts'
import { serverIps } from './server-ips.ts'
import { serverMetadata } from './server-metadata.ts'
import { serverMigrations } from './server-migrations.ts'
import { serverPassword } from './server-password.ts'
import { serverShares } from './server-shares.ts'
import { serverTags } from './server-tags.ts'
import { serverTopology } from './server-topology.ts'
import { servers } from './servers.ts'
import { services } from './services.ts'
import { shelve } from './shelve.ts'
import { simpleTenantUsage } from './simple-tenant-usage.ts'
import { suspendServer } from './suspend-server.ts'
import { tenantNetworks } from './tenant-networks.ts'
import { volumes } from './volumes.ts'
import { volumesAttachments } from './volumes-attachments.ts'

/** Every rule that Nova ships, one file per resource. */
export const novaDefaults: readonly RuleDefault[] = [
  ...base,
  ...adminActions,
  ...adminPassword,
  ...aggregates,
  ...assistedVolumeSnapshots,
  ...attachInterfaces,
  ...availabilityZones,
  ...baremetalNodes,
  ...cellsScheduler,
  ...consoleAuthTokens,
  ...consoleOutput,
  ...createBackup,
  ...deferredDelete,
  ...evacuate,
  ...extendedServerAttributes,
  ...extensions,
  ...flavorAccess,
  ...flavorExtraSpecs,
  ...flavorManage,
  ...floatingIpPools,
  ...floatingIps,
  ...hosts,
  ...hypervisors,
  ...instanceActions,
  ...instanceUsageAuditLog,
  ...keypairs,
  ...limits,
  ...lockServer,
  ...migrateServer,
  ...migrations,
  ...multinic,
  ...networks,
  ...pauseServer,
  ...quotaClassSets,
  ...quotaSets,
  ...remoteConsoles,
  ...rescue,
  ...securityGroups,
  ...serverDiagnostics,
  ...serverExternalEvents,
  ...serverGroups,
  ...serverIps,
  ...serverMetadata,
  ...serverMigrations,
  ...serverPassword,
  ...serverShares,
  ...serverTags,
  ...serverTopology,
  ...servers,
  ...services,
  ...shelve,
  ...simpleTenantUsage,
  ...suspendServer,
  ...tenantNetworks,
  ...volumes,
  ...volumesAttachments,
]
