/** `[scheduler]`: what nova-scheduler asks of placement and how often a build may be tried. */
export interface SchedulerSection {
  /** Hosts tried for one build; all but the first travel along as alternates. */
  readonly max_attempts: number
  readonly max_placement_results: number
  readonly limit_tenants_to_placement_aggregate: boolean
  readonly placement_aggregate_required_for_tenants: boolean
  readonly query_placement_for_image_type_support: boolean
  readonly enable_isolated_aggregate_filtering: boolean
  readonly image_metadata_prefilter: boolean
  readonly query_placement_for_routed_network_aggregates: boolean
}

/** `[filter_scheduler]`: filters, weighers and what they are set to. */
export interface FilterSchedulerSection {
  readonly available_filters: readonly string[]
  readonly enabled_filters: readonly string[]
  readonly weight_classes: readonly string[]
  readonly host_subset_size: number
  readonly shuffle_best_same_weighed_hosts: boolean
  readonly max_io_ops_per_host: number
  readonly max_instances_per_host: number
  readonly isolated_images: readonly string[]
  readonly isolated_hosts: readonly string[]
  readonly restrict_isolated_hosts_to_isolated_images: boolean
  readonly image_properties_default_architecture: string | null
  readonly aggregate_image_properties_isolation_namespace: string | null
  readonly aggregate_image_properties_isolation_separator: string
  readonly ram_weight_multiplier: number
  readonly cpu_weight_multiplier: number
  readonly disk_weight_multiplier: number
  readonly io_ops_weight_multiplier: number
  readonly num_instances_weight_multiplier: number
  readonly hypervisor_version_weight_multiplier: number
  readonly pci_in_placement: boolean
  readonly pci_weight_multiplier: number
  readonly soft_affinity_weight_multiplier: number
  readonly soft_anti_affinity_weight_multiplier: number
  readonly build_failure_weight_multiplier: number
  readonly cross_cell_move_weight_multiplier: number
  readonly image_props_weight_multiplier: number
  /** `property=ratio`; when not empty, only these properties count. */
  readonly image_props_weight_setting: readonly string[]
}

/** `[metrics]`: for MetricsFilter and MetricsWeigher. */
export interface MetricsSection {
  readonly weight_multiplier: number
  /** `metric=ratio` */
  readonly weight_setting: readonly string[]
  readonly required: boolean
  readonly weight_of_unavailable: number
}

/** The operator's options that the scheduler reads, under the operator's names. */
export interface SchedulerOptions {
  readonly scheduler: SchedulerSection
  readonly filter_scheduler: FilterSchedulerSection
  readonly metrics: MetricsSection
  readonly workarounds: { readonly disable_fallback_pcpu_query: boolean }
  /** Zone of the hosts that are in no zone's aggregate. */
  readonly default_availability_zone: string
}

export const schedulerDefaults: SchedulerOptions = {
  scheduler: {
    max_attempts: 3,
    max_placement_results: 1000,
    limit_tenants_to_placement_aggregate: false,
    placement_aggregate_required_for_tenants: false,
    query_placement_for_image_type_support: false,
    enable_isolated_aggregate_filtering: false,
    image_metadata_prefilter: false,
    query_placement_for_routed_network_aggregates: false,
  },
  filter_scheduler: {
    available_filters: ['nova.scheduler.filters.all_filters'],
    enabled_filters: [
      'ComputeFilter',
      'ComputeCapabilitiesFilter',
      'ImagePropertiesFilter',
      'ServerGroupAntiAffinityFilter',
      'ServerGroupAffinityFilter',
    ],
    weight_classes: ['nova.scheduler.weights.all_weighers'],
    host_subset_size: 1,
    shuffle_best_same_weighed_hosts: false,
    max_io_ops_per_host: 8,
    max_instances_per_host: 50,
    isolated_images: [],
    isolated_hosts: [],
    restrict_isolated_hosts_to_isolated_images: true,
    image_properties_default_architecture: null,
    aggregate_image_properties_isolation_namespace: null,
    aggregate_image_properties_isolation_separator: '.',
    ram_weight_multiplier: 1,
    cpu_weight_multiplier: 1,
    disk_weight_multiplier: 1,
    io_ops_weight_multiplier: -1,
    num_instances_weight_multiplier: 0,
    hypervisor_version_weight_multiplier: 1,
    pci_in_placement: false,
    pci_weight_multiplier: 1,
    soft_affinity_weight_multiplier: 1,
    soft_anti_affinity_weight_multiplier: 1,
    build_failure_weight_multiplier: 1_000_000,
    cross_cell_move_weight_multiplier: 1_000_000,
    image_props_weight_multiplier: 0,
    image_props_weight_setting: [],
  },
  metrics: { weight_multiplier: 1, weight_setting: [], required: true, weight_of_unavailable: -10_000 },
  workarounds: { disable_fallback_pcpu_query: false },
  default_availability_zone: 'nova',
}

export interface SchedulerOverrides {
  readonly scheduler?: Partial<SchedulerSection>
  readonly filter_scheduler?: Partial<FilterSchedulerSection>
  readonly metrics?: Partial<MetricsSection>
  readonly workarounds?: Partial<SchedulerOptions['workarounds']>
  readonly default_availability_zone?: string
}

/** Nova's defaults with some options set. */
export const schedulerOptions = (set: SchedulerOverrides = {}): SchedulerOptions => ({
  scheduler: { ...schedulerDefaults.scheduler, ...set.scheduler },
  filter_scheduler: { ...schedulerDefaults.filter_scheduler, ...set.filter_scheduler },
  metrics: { ...schedulerDefaults.metrics, ...set.metrics },
  workarounds: { ...schedulerDefaults.workarounds, ...set.workarounds },
  default_availability_zone: set.default_availability_zone ?? schedulerDefaults.default_availability_zone,
})

/** Reads `name=number` settings; an entry that is not one is left out, as Nova does. */
export function ratioSettings(entries: readonly string[]): ReadonlyMap<string, number> {
  const ratios = new Map<string, number>()
  for (const entry of entries) {
    const [name, value] = entry.split('=', 2).map(part => part.trim())
    if (!name || !value || Number.isNaN(Number(value))) continue
    ratios.set(name, Number(value))
  }
  return ratios
}
