import { bool, float, int, list, str } from '../option.ts'

export const schedulerSection = {
  workers: int(null, 'Processes of nova-scheduler; default one per CPU.', { min: 0 }),
  max_attempts: int(3, 'Hosts tried for one build.', { min: 1 }),
  max_placement_results: int(1000, 'Allocation candidates asked of placement.', { min: 1 }),
  discover_hosts_in_cells_interval: int(-1, 'Seconds between looks for new hosts; -1 never.', { min: -1 }),
  limit_tenants_to_placement_aggregate: bool(false, 'Projects are confined to their aggregates.'),
  placement_aggregate_required_for_tenants: bool(false, 'A project without aggregate finds no host.'),
  query_placement_for_image_type_support: bool(false, 'Ask for hosts that support the disk format.'),
  enable_isolated_aggregate_filtering: bool(false, 'Hosts of aggregates with traits serve matching requests only.'),
  image_metadata_prefilter: bool(false, 'Image properties become required traits.'),
  query_placement_for_routed_network_aggregates: bool(false, 'Routed networks confine the hosts.'),
  // Not Nova's: there, nobody knows afterwards.
  decision_record_max_age: int(604_800, 'Seconds for which scheduling decisions are kept; 0 keeps none.', { min: 0 }),
} as const

const filters = [
  'ComputeFilter',
  'ComputeCapabilitiesFilter',
  'ImagePropertiesFilter',
  'ServerGroupAntiAffinityFilter',
  'ServerGroupAffinityFilter',
]

const weight = (preset: number, what: string) => float(preset, `Weight of ${what}.`)

export const filterSchedulerSection = {
  available_filters: list(['nova.scheduler.filters.all_filters'], 'Filters that may be enabled.'),
  enabled_filters: list(filters, 'Filters in use, in order.'),
  weight_classes: list(['nova.scheduler.weights.all_weighers'], 'Weighers in use.'),
  host_subset_size: int(1, 'Pick at random among this many best hosts.', { min: 1 }),
  shuffle_best_same_weighed_hosts: bool(false, 'Shuffle hosts of equal weight.'),
  track_instance_changes: bool(true, 'Hosts tell the scheduler about their servers.'),
  max_io_ops_per_host: int(8, 'Busy servers per host (IoOpsFilter).'),
  max_instances_per_host: int(50, 'Servers per host (NumInstancesFilter).', { min: 1 }),
  isolated_images: list([], 'Images for isolated hosts only.'),
  isolated_hosts: list([], 'Hosts for isolated images.'),
  restrict_isolated_hosts_to_isolated_images: bool(true, 'Isolated hosts take nothing else.'),
  aggregate_image_properties_isolation_namespace: str(null, 'Prefix of aggregate properties compared with images.'),
  aggregate_image_properties_isolation_separator: str('.', 'Separator after that prefix.'),
  image_properties_default_architecture: str(null, 'Architecture of images that name none.'),
  pci_in_placement: bool(false, 'PCI devices are allocated in placement.'),
  ram_weight_multiplier: weight(1.0, 'free memory'),
  cpu_weight_multiplier: weight(1.0, 'free virtual CPUs'),
  disk_weight_multiplier: weight(1.0, 'free disk'),
  hypervisor_version_weight_multiplier: weight(1.0, 'a newer hypervisor'),
  num_instances_weight_multiplier: weight(0.0, 'the number of servers'),
  io_ops_weight_multiplier: weight(-1.0, 'busy servers'),
  image_props_weight_multiplier: weight(0.0, 'servers with the same image properties'),
  image_props_weight_setting: list([], 'Image properties and their shares: name=share'),
  pci_weight_multiplier: float(1.0, 'Weight of PCI devices.', { min: 0 }),
  soft_affinity_weight_multiplier: float(1.0, 'Weight of soft affinity.', { min: 0 }),
  soft_anti_affinity_weight_multiplier: float(1.0, 'Weight of soft anti-affinity.', { min: 0 }),
  build_failure_weight_multiplier: weight(1_000_000.0, 'recent failed builds'),
  cross_cell_move_weight_multiplier: weight(1_000_000.0, 'moves to another cell'),
} as const

export const metricsSection = {
  weight_multiplier: weight(1.0, 'the metrics of hosts'),
  weight_setting: list([], 'Metrics and their shares: name=share'),
  required: bool(true, 'A host without one of the metrics finds no mercy; else it weighs weight_of_unavailable.'),
  weight_of_unavailable: weight(-10_000.0, 'a host without one of the metrics'),
} as const
