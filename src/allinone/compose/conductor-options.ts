import type { ConductorOptions } from '#conductor'
import type { Config } from '#config'
import { secondsOf } from './shared.ts'

/** As for all of Nova's periodic tasks: below 0 never, 0 every minute. */
const pollFor = (seconds: number) => (seconds < 0 ? {} : { shelvedPollMs: secondsOf(seconds === 0 ? 60 : seconds) })

/** Seconds: a service that restarts is back by then; whoever waits for another host need not wait for more than that. */
const mostPatience = 15

const instanceHa = ({ instance_ha: o }: Config): Pick<ConductorOptions, 'instanceHa'> =>
  o.enabled
    ? {
        instanceHa: {
          defaultPolicy: o.default_policy === 'evacuate' ? 'evacuate' : 'none',
          fenceCommand: o.fence_command,
          fenceTimeoutMs: secondsOf(o.fence_timeout),
          marginMs: secondsOf(o.fence_margin),
          retryMs: secondsOf(o.retry_interval),
          mostEvacuations: o.max_evacuations,
        },
      }
    : {}

export const conductorOptions = (config: Config): ConductorOptions => ({
  serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time),
  defaultZone: config.DEFAULT.default_availability_zone,
  reportMs: secondsOf(config.DEFAULT.report_interval),
  patienceMs: secondsOf(Math.min(config.DEFAULT.rpc_response_timeout, mostPatience)),
  shutdownTimeoutMs: secondsOf(config.DEFAULT.shutdown_timeout),
  volumePollMs: secondsOf(config.DEFAULT.block_device_allocate_retries_interval),
  mixesZones: config.cinder.cross_az_attach,
  sharePolicyMs: secondsOf(config.manila.share_apply_policy_timeout),
  volumePatienceMs:
    secondsOf(config.DEFAULT.block_device_allocate_retries) *
    Math.max(1, config.DEFAULT.block_device_allocate_retries_interval),
  ...instanceHa(config),
  mostEvents: config.notifications.outbox_limit,
  precacheHosts: config.image_cache.precache_concurrency,
  shelvedOffloadMs: secondsOf(config.DEFAULT.shelved_offload_time),
  ...pollFor(config.DEFAULT.shelved_poll_interval),
  ...(config.conductor.audit_interval <= 0 ? {} : { auditMs: secondsOf(config.conductor.audit_interval) }),
  ...(config.DEFAULT.heal_instance_info_cache_interval < 0
    ? {}
    : { networkRefreshMs: secondsOf(config.DEFAULT.heal_instance_info_cache_interval || 60) }),
  buildTimeoutMs: secondsOf(config.DEFAULT.instance_build_timeout),
  rebootTimeoutMs: secondsOf(config.DEFAULT.reboot_timeout),
  countsFailedBuilds: config.compute.consecutive_build_service_disable_threshold > 0,
  reclaimMs: secondsOf(config.DEFAULT.reclaim_instance_interval),
  rescueMs: secondsOf(config.DEFAULT.rescue_timeout),
  rescueKernel: { kernelId: config.libvirt.rescue_kernel_id, ramdiskId: config.libvirt.rescue_ramdisk_id },
  resizeConfirmMs: secondsOf(config.DEFAULT.resize_confirm_window),
  allowsOlderHypervisor: config.workarounds.skip_hypervisor_version_check_on_lm,
  migrateMaxRetries: config.DEFAULT.migrate_max_retries,
  maxLiveMigrations: config.DEFAULT.max_concurrent_live_migrations,
  ...(config.DEFAULT.volume_usage_poll_interval > 0
    ? { volumeUsageMs: secondsOf(config.DEFAULT.volume_usage_poll_interval) }
    : {}),
  ...(config.DEFAULT.instance_usage_audit ? { usageAuditPeriod: config.DEFAULT.instance_usage_audit_period } : {}),
})
