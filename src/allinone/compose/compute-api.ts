import {
  type ApiDeps,
  type ApiSettings,
  type CellListOptions,
  createComputeApi,
  databaseQuotas,
  noQuotas,
  type QuotaSource,
  unifiedQuotas,
  withCells,
} from '#api'
import { type Clock, declareFault } from '#base'
import { type Bus, computeContract, conductorContract } from '#bus'
import type { IdentityPort } from '#cloud'
import { ironicPort } from '#cloud'
import type { Config } from '#config'
import type { Face } from '#http'
import { watched } from '#notify'
import type { Cells } from './cells.ts'
import { noticesFromConfig } from './notices.ts'
import { openPolicy } from './policy.ts'
import { type Neighbours, secondsOf, type WithStore } from './shared.ts'

const settings = (config: Config): ApiSettings => ({
  pciAliases: config.pci.alias,
  defaultZone: config.DEFAULT.default_availability_zone,
  internalZone: config.DEFAULT.internal_service_availability_zone,
  defaultScheduleZone: config.DEFAULT.default_schedule_zone,
  serviceDownTimeMs: secondsOf(config.DEFAULT.service_down_time),
  showsAdminPassword: config.api.enable_instance_password,
  rescueImageId: config.libvirt.rescue_image_id,
  maxLimit: config.api.max_limit,
  passwordLength: config.DEFAULT.password_length,
  reclaimMs: secondsOf(config.DEFAULT.reclaim_instance_interval),
  forceConfigDrive: config.DEFAULT.force_config_drive,
  defaultFloatingPool: config.neutron.default_floating_pool,
  allowsResizeToSameHost: config.DEFAULT.allow_resize_to_same_host,
  crossesZonesToAttach: config.cinder.cross_az_attach,
  glanceLinkPrefix: config.api.glance_link_prefix,
  nonInheritableImageProperties: config.DEFAULT.non_inheritable_image_properties,
  usageAuditPeriod: config.DEFAULT.instance_usage_audit_period,
  maxLocalDevices: config.DEFAULT.max_local_block_devices,
  maxDiskDevices: config.compute.max_disk_devices_to_attach,
  mixesZones: config.cinder.cross_az_attach,
  ...encryptionOf(config),
  cellLists: cellListsOf(config),
})

const cellListsOf = ({ api }: Config): CellListOptions => ({
  perProject: api.instance_list_per_project_cells,
  batch: api.instance_list_cells_batch_strategy === 'fixed' ? api.instance_list_cells_batch_fixed_size : 'distributed',
  skipsAway: api.list_records_by_skipping_down_cells,
})

const encryptionOf = ({ ephemeral_storage_encryption: { enabled, cipher, key_size } }: Config) =>
  enabled ? { encryptsDisks: { cipher, keyBits: key_size } } : {}

/** `[quota]` by the API's names of resources. */
const configuredLimits = ({ quota }: Config): Readonly<Record<string, number>> => ({
  instances: quota.instances,
  cores: quota.cores,
  ram: quota.ram,
  metadata_items: quota.metadata_items,
  injected_files: quota.injected_files,
  injected_file_content_bytes: quota.injected_file_content_bytes,
  injected_file_path_bytes: quota.injected_file_path_length,
  key_pairs: quota.key_pairs,
  server_groups: quota.server_groups,
  server_group_members: quota.server_group_members,
})

export const UnknownQuotaDriver = declareFault(
  'InvalidConfiguration',
  'final',
  (p: { driver: string }) =>
    `[quota] driver ${p.driver} is none of nova.quota.DbQuotaDriver, nova.quota.UnifiedLimitsDriver, nova.quota.NoopQuotaDriver.`,
)

function quotasOf(config: Config, identity: IdentityPort, clock: Clock): QuotaSource {
  const { driver, unified_limits_resource_strategy: strategy, unified_limits_resource_list: resources } = config.quota
  switch (driver) {
    case 'nova.quota.DbQuotaDriver':
      return databaseQuotas(configuredLimits(config))
    case 'nova.quota.UnifiedLimitsDriver':
      return unifiedQuotas({
        identity,
        clock,
        strategy,
        resources,
        countsPinnedAsShared: config.workarounds.unified_limits_count_pcpu_as_vcpu,
      })
    case 'nova.quota.NoopQuotaDriver':
      return noQuotas
    default:
      throw UnknownQuotaDriver({ driver })
  }
}

const reached = (bus: Bus): Pick<ApiDeps, 'conductor' | 'computeOn'> => ({
  conductor: bus.client(conductorContract),
  computeOn: host => bus.client(computeContract, host),
})

/** Rows, conductors and hosts are the cell's. */
export const inCells = (home: ApiDeps, { directory, busOf }: Pick<Cells, 'directory' | 'busOf'>): ApiDeps =>
  withCells(home, directory, (cell, store) => ({ store: watched(store, home.notices), ...reached(busOf(cell)) }))

/** nova-api-os-compute from its configuration; not yet listening. Without `cells` there is one. */
export function composeComputeApi(shared: WithStore, neighbours: Neighbours, authUri: string, cells?: Cells): Face {
  const { config, store, bus, clock } = shared
  const log = shared.log.child({ service: 'nova-api' })
  const { identity, images, network, placement, volumes, shares, keys } = neighbours
  const prefix = config.api.compute_link_prefix
  const notices = noticesFromConfig({ ...shared, log })
  const home: ApiDeps = {
    store: watched(store, notices),
    notices,
    identity,
    images,
    network,
    placement,
    volumes,
    shares,
    keys,
    quotas: quotasOf(config, identity, clock),
    baremetal: ironicPort(identity, clock),
    ...reached(bus),
    clock,
    log,
    settings: settings(config),
  }
  return createComputeApi({
    deps: cells === undefined ? home : inCells(home, cells),
    identity,
    policy: openPolicy(config, log, clock),
    options: { maxLimit: config.api.max_limit, authUri, ...(prefix === null ? {} : { computeLinkPrefix: prefix }) },
  })
}
