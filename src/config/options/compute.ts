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
  sharing_providers_max_uuids_per_request: int(
    200,
    'No effect: providers that share are looked for with the candidates, never by lists of ids.',
    { min: 1 },
  ),
  shutdown_retry_interval: int(10, 'Seconds between shutdown requests to a guest.', { min: 1 }),
} as const

export const conductorSection = {
  workers: int(null, 'Processes of nova-conductor; default one per CPU.'),
  audit_interval: int(60, 'Seconds between two looks for orphans of any kind, which are then mended; 0 never.'),
} as const

/**
 * The second part has no effect here. What each would work around is not there, and says so: nova.conf files that have them
 * are taken as they are.
 */
export const workaroundsSection = {
  disable_fallback_pcpu_query: bool(false, 'Hosts that report pinned CPUs as VCPU are not looked for.'),
  reserve_disk_resource_for_image_cache: bool(false, 'What cached images take of the disk is not for guests.'),
  libvirt_disable_apic: bool(false, 'Guests have no APIC; for old kernels under nested virtualization.'),
  handle_virt_lifecycle_events: bool(
    true,
    'What guests do by themselves is carried in at once, not only by the comparison of power states.',
  ),
  skip_hypervisor_version_check_on_lm: bool(false, 'Running guests may move to hosts with an older hypervisor.'),
  skip_cpu_compare_on_dest: bool(false, "Libvirt is not asked whether a host's CPU is good for a running guest."),
  unified_limits_count_pcpu_as_vcpu: bool(false, 'Pinned CPUs count against the limit class:VCPU.'),

  disable_rootwrap: bool(false, 'No effect: nothing is run through rootwrap.'),
  disable_libvirt_livesnapshot: bool(
    false,
    "No effect: QEMU's backup job copies a running disk without a snapshot in the guest's definition.",
  ),
  disable_group_policy_check_upcall: bool(
    false,
    'No effect: hosts ask nobody; the group is looked at in the transaction that writes the host.',
  ),
  enable_numa_live_migration: bool(false, 'No effect: guests with a NUMA layout move, and are laid out anew there.'),
  ensure_libvirt_rbd_instance_dir_cleanup: bool(false, 'No effect: disks are files, and go with their folder.'),
  never_download_image_if_on_rbd: bool(false, 'No effect: disks are files, none are in RBD.'),
  wait_for_vif_plugged_event_during_hard_reboot: list(
    [],
    'No effect: interfaces are plugged before a guest starts; nobody waits for an event.',
  ),
  disable_compute_service_check_for_ffu: bool(
    false,
    'No effect: no service refuses to start for the versions of others.',
  ),
  skip_cpu_compare_at_startup: bool(false, 'No effect: CPUs are compared when a guest asks for one.'),
  skip_reserve_in_use_ironic_nodes: bool(false, 'No effect: there is no driver for Ironic.'),
  disable_deep_image_inspection: bool(
    false,
    'No effect: how large an image can grow is known from its inspection alone, so it cannot be left out.',
  ),
} as const
