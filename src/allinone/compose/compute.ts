import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ImagePort } from '#cloud'
import { type Agent, readNodeId, startAgent } from '#compute'
import { serviceVersion } from '#conductor'
import type { Config } from '#config'
import type { VirtDriver } from '#virt'
import { consoleOptions } from './consoles.ts'
import { hardwareOptions } from './hardware.ts'
import { readProviderConfigs } from './provider-config.ts'
import { type Shared, secondsOf } from './shared.ts'

/** Ratio that holds for a new host unless the operator has set one. */
const ratio = (set: number | null, initial: number): number => (set === null || set === 0 ? initial : set)

/** As for all of Nova's periodic tasks: below 0 never, 0 as often as the task does by itself. */
const periodOf = <N extends string>(name: N, seconds: number, standard: number) =>
  (seconds < 0 ? {} : { [name]: secondsOf(seconds === 0 ? standard : seconds) }) as { readonly [K in N]?: number }

const selfFence = ({ instance_ha: { self_fence: isOn, lease_time: seconds } }: Config, statePath: string) =>
  isOn
    ? {
        selfFence: {
          leaseMs: secondsOf(seconds),
          file: join(statePath, 'guest-lease.json'),
          guardProgram: fileURLToPath(new URL('../../bin/nova-compute-guard.ts', import.meta.url)),
        },
      }
    : {}

/** nova-compute on one host, from its configuration. `statePath` keeps the host's own id. */
export async function composeCompute(
  shared: Shared,
  driver: VirtDriver,
  at: { host: string; statePath: string; images: () => ImagePort; hasEveryConsole?: boolean },
): Promise<Agent> {
  const { config, bus, clock } = shared
  const d = config.DEFAULT
  mkdirSync(at.statePath, { recursive: true, mode: 0o700 })
  return startAgent({
    driver,
    bus,
    clock,
    log: shared.log.child({ service: 'nova-compute', host: at.host }),
    options: {
      host: at.host,
      nodeId: await readNodeId(at.statePath),
      providers: await readProviderConfigs(config.compute.provider_config_location),
      serviceVersion,
      ip: d.my_ip,
      reportMs: secondsOf(d.report_interval),
      ...selfFence(config, at.statePath),
      ...periodOf('resourcesMs', d.update_resources_interval, 60),
      ...periodOf('imageCacheMs', config.image_cache.manager_interval, 60),
      ...periodOf('powerMs', d.sync_power_state_interval, 60),
      resumesGuests: d.resume_guests_state_on_host_boot,
      deletedGuests: {
        action: d.running_deleted_instance_action,
        ...periodOf('everyMs', d.running_deleted_instance_poll_interval, 60),
        afterMs: secondsOf(Math.max(0, d.running_deleted_instance_timeout)),
      },
      followsGuests: config.workarounds.handle_virt_lifecycle_events,
      reservesImageCache: config.workarounds.reserve_disk_resource_for_image_cache,
      reserved: {
        vcpus: d.reserved_host_cpus,
        memoryMiB: d.reserved_host_memory_mb,
        diskGiB: Math.ceil(d.reserved_host_disk_mb / 1024),
      },
      ratios: {
        cpu: ratio(d.cpu_allocation_ratio, d.initial_cpu_allocation_ratio),
        ram: ratio(d.ram_allocation_ratio, d.initial_ram_allocation_ratio),
        disk: ratio(d.disk_allocation_ratio, d.initial_disk_allocation_ratio),
      },
      hardware: hardwareOptions(config),
      monitors: d.compute_monitors,
      maxConcurrentBuilds: d.max_concurrent_builds,
      maxConcurrentSnapshots: d.max_concurrent_snapshots,
      images: at.images,
      sharesAddress: d.my_shared_fs_storage_ip,
      softRebootMs: secondsOf(config.libvirt.wait_soft_reboot_seconds),
      consoles: consoleOptions(config, at.hasEveryConsole === true),
    },
  })
}

export const nodePath = (stateDir: string, host: string): string => join(stateDir, 'hosts', host)
