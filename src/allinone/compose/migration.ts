import { declareFault } from '#base'
import type { Config } from '#config'
import type { MigrationSettings } from '#virt/libvirt'

export const ConflictingMigrationOptions = declareFault(
  'InvalidConfiguration',
  'refused',
  () =>
    "Setting both 'live_migration_tunnelled' and 'live_migration_with_native_tls' at the same time is invalid: QEMU encrypts only what it sends itself.",
)

/** How guests of this host go to others and come from them. */
export function migrationSettings({ libvirt, workarounds }: Config): MigrationSettings {
  const {
    live_migration_inbound_addr: inboundAddress,
    live_migration_uri: uriTemplate,
    live_migration_scheme: scheme,
  } = libvirt
  if (libvirt.live_migration_tunnelled && libvirt.live_migration_with_native_tls) throw ConflictingMigrationOptions({})
  return {
    ...(inboundAddress === null ? {} : { inboundAddress }),
    ...(uriTemplate === null ? {} : { uriTemplate }),
    ...(scheme === null ? {} : { scheme }),
    bandwidthMiBs: libvirt.live_migration_bandwidth,
    downtime: {
      ms: libvirt.live_migration_downtime,
      steps: libvirt.live_migration_downtime_steps,
      delaySeconds: libvirt.live_migration_downtime_delay,
    },
    completion: {
      secondsPerGiB: libvirt.live_migration_completion_timeout,
      action: libvirt.live_migration_timeout_action,
    },
    permitsPostCopy: libvirt.live_migration_permit_post_copy,
    permitsAutoConverge: libvirt.live_migration_permit_auto_converge,
    usesNativeTls: libvirt.live_migration_with_native_tls,
    isTunnelled: libvirt.live_migration_tunnelled,
    skipsCpuComparison: workarounds.skip_cpu_compare_on_dest,
    parallelConnections: libvirt.live_migration_parallel_connections,
  }
}
