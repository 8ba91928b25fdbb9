import { bool, int, list, str } from '../option.ts'

export const computeSection = {
  cpu_shared_set: str(null, 'Host CPUs for shared virtual CPUs, as 0-3,^2.'),
  cpu_dedicated_set: str(null, 'Host CPUs for pinned virtual CPUs.'),
  packing_host_numa_cells_allocation_strategy: bool(false, 'NUMA cells that are used most are filled first.'),
  consecutive_build_service_disable_threshold: int(10, 'Failed builds that count against a host; 0 counts none.'),
  resource_provider_association_refresh: int(300, 'Seconds the view of placement may be old.', {
    min: 0,
    mutable: true,
  }),
  max_disk_devices_to_attach: int(-1, 'Disks of one guest; -1 is unlimited.', { min: -1 }),
  max_concurrent_disk_ops: int(0, 'Heavy disk operations at a time; 0 is unlimited.', { min: 0 }),
  provider_config_location: str('/etc/nova/provider_config/', 'Folder of additional inventories and traits.'),
  live_migration_wait_for_vif_plug: bool(true, 'Wait for ports before memory is copied.'),
  image_type_exclude_list: list([], 'Disk formats that this host refuses.'),
  vmdk_allowed_types: list(['streamOptimized', 'monolithicSparse'], 'VMDK kinds that are accepted.'),
  shutdown_retry_interval: int(10, 'Seconds between shutdown requests to a guest.', { min: 1 }),
} as const

export const conductorSection = {
  workers: int(null, 'Processes of nova-conductor; default one per CPU.'),
  audit_interval: int(60, 'Seconds between two looks for orphans of any kind, which are then mended; 0 never.'),
} as const

export const workaroundsSection = {
  disable_fallback_pcpu_query: bool(false, 'Hosts that report pinned CPUs as VCPU are not looked for.'),
  reserve_disk_resource_for_image_cache: bool(false, 'What cached images take of the disk is not for guests.'),
  libvirt_disable_apic: bool(false, 'Guests have no APIC; for old kernels under nested virtualization.'),
} as const
