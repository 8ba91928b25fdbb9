import { hostname } from 'node:os'
import { bool, choice, float, int, list, multi, port, str } from '../option.ts'
import { ownAddress } from './own-address.ts'

/** This host, its folders and its log. */
const host = {
  host: str(() => hostname(), 'Name of this host in the database and on the bus; must never change.', {
    sample: '<host name>',
  }),
  my_ip: str(ownAddress, 'Address of this host; default of many other options.', { sample: '<own address>' }),
  my_shared_fs_storage_ip: str('$my_ip', 'Address this host is known by to shares.'),
  my_block_storage_ip: str('$my_ip', 'Address this host gives to block storage as initiator.'),
  state_path: str('/var/lib/nova', 'Folder of everything that must survive a restart.'),
  instances_path: str('$state_path/instances', 'Folder of guest disks and of the image cache.'),
  tempdir: str(null, 'Folder for temporary files.'),
  debug: bool(false, 'Log at debug level.', { mutable: true }),
  log_file: str(null, 'Log into this file instead of stderr.', { deprecated: ['DEFAULT.logfile'] }),
  log_dir: str(null, 'Folder of log_file.', { deprecated: ['DEFAULT.logdir'] }),
  use_json: bool(false, 'Log as JSON.'),
  use_stderr: bool(false, 'Log to stderr as well.'),
  use_syslog: bool(false, 'Log to syslog.'),
  use_journal: bool(false, 'Log to the journal.'),
  rootwrap_config: str('/etc/nova/rootwrap.conf', 'Configuration of nova-rootwrap.'),
  use_rootwrap_daemon: bool(false, 'Keep one nova-rootwrap running instead of starting it per command.'),
} as const

/** Messages, heartbeats, timers of the services. */
const services = {
  transport_url: str('rabbit://', 'Message bus: scheme://user:password@host:port,.../virtual_host', { secret: true }),
  control_exchange: str('nova', 'Exchange of calls and notifications.'),
  rpc_response_timeout: int(60, 'Seconds to wait for the answer of a call.', { min: 1, mutable: true }),
  long_rpc_timeout: int(1800, 'Seconds to wait for the answer of a long call that sends heartbeats.', { min: 1 }),
  graceful_shutdown_timeout: int(60, 'Seconds a service may take to stop after SIGTERM; 0 waits for ever.', {
    min: 0,
    mutable: true,
  }),
  report_interval: int(10, 'Seconds between heartbeats of a service.', { min: 1 }),
  service_down_time: int(60, 'Age of the last heartbeat, in seconds, after which a service counts as down.', {
    min: 1,
  }),
  servicegroup_driver: choice(['db', 'mc'], 'db', 'Where heartbeats are kept.'),
  periodic_enable: bool(true, 'Run periodic work.'),
  periodic_fuzzy_delay: int(60, 'Random delay in seconds before the first periodic run.', { min: 0 }),
  enable_new_services: bool(true, 'A new compute service starts enabled.'),
} as const

const api = {
  enabled_apis: list(['osapi_compute', 'metadata'], 'APIs that nova-api starts.'),
  osapi_compute_listen: str('0.0.0.0', 'Address of the Compute API.'),
  osapi_compute_listen_port: port(8774, 'Port of the Compute API.'),
  osapi_compute_workers: int(null, 'Processes of the Compute API; default one per CPU.', { min: 1 }),
  metadata_listen: str('0.0.0.0', 'Address of the metadata service.'),
  metadata_listen_port: port(8775, 'Port of the metadata service.'),
  metadata_workers: int(null, 'Processes of the metadata service; default one per CPU.', { min: 1 }),
  default_availability_zone: str('nova', 'Zone of hosts that are in no zone aggregate.'),
  internal_service_availability_zone: str('internal', 'Zone shown for services other than nova-compute.'),
  default_schedule_zone: str(null, 'Zone given to requests that name none.'),
  instance_name_template: str('instance-%08x', 'Name of a guest at the hypervisor.'),
  osapi_compute_unique_server_name_scope: choice(['', 'project', 'global'], '', 'Where server names must be unique.'),
  password_length: int(12, 'Length of generated admin passwords.', { min: 0 }),
  default_access_ip_network_name: str(null, 'Network whose addresses become accessIPv4 and accessIPv6.'),
  non_inheritable_image_properties: list(
    ['cache_in_nova', 'bittorrent'],
    'Image properties that snapshots do not inherit.',
  ),
} as const

const resources = {
  reserved_host_memory_mb: int(512, 'MiB of memory kept for the host.', { min: 0 }),
  reserved_host_cpus: int(0, 'CPUs kept for the host.', { min: 0 }),
  reserved_host_disk_mb: int(0, 'MiB of disk kept for the host.', { min: 0 }),
  reserved_huge_pages: multi([], 'Huge pages kept for the host: node:0,size:2048,count:64'),
  cpu_allocation_ratio: float(null, 'Virtual CPUs per CPU; unset or 0 leaves what is in placement.', { min: 0 }),
  ram_allocation_ratio: float(null, 'Virtual memory per memory; unset or 0 leaves what is in placement.', { min: 0 }),
  disk_allocation_ratio: float(null, 'Virtual disk per disk; unset or 0 leaves what is in placement.', { min: 0 }),
  initial_cpu_allocation_ratio: float(4.0, 'cpu_allocation_ratio of a new host.', { min: 0 }),
  initial_ram_allocation_ratio: float(1.0, 'ram_allocation_ratio of a new host.', { min: 0 }),
  initial_disk_allocation_ratio: float(1.0, 'disk_allocation_ratio of a new host.', { min: 0 }),
  compute_monitors: list([], 'What is measured of this host for metrics weighers and filters: cpu.virt_driver.'),
  update_resources_interval: int(0, 'Seconds between resource reports; 0 means 60, negative never.'),
} as const

const compute = {
  compute_driver: str(null, 'Hypervisor: libvirt.LibvirtDriver or fake.FakeDriver.'),
  max_concurrent_builds: int(10, 'Builds at a time on one host; 0 is unlimited.', { min: 0, mutable: true }),
  max_concurrent_snapshots: int(5, 'Snapshots at a time on one host; 0 is unlimited.', { min: 0, mutable: true }),
  max_concurrent_live_migrations: int(1, 'Live migrations at a time from one host; 0 is unlimited.', {
    min: 0,
    mutable: true,
  }),
  vif_plugging_is_fatal: bool(true, 'A port that does not come up fails the build.'),
  vif_plugging_timeout: int(300, 'Seconds to wait for ports; 0 does not wait.', { min: 0 }),
  network_allocate_retries: int(0, 'Retries of port creation.', { min: 0 }),
  block_device_allocate_retries: int(60, 'Polls for a created volume.', { min: 0 }),
  block_device_allocate_retries_interval: int(3, 'Seconds between two polls.', { min: 0 }),
  reclaim_instance_interval: int(0, 'Seconds a deleted server can be restored; 0 deletes at once.'),
  instance_delete_interval: int(300, 'Seconds between retries of removing files.'),
  running_deleted_instance_action: choice(
    ['reap', 'noop', 'log', 'shutdown'],
    'reap',
    'What happens to guests of deleted servers.',
  ),
  running_deleted_instance_poll_interval: int(1800, 'Seconds between two looks for them.'),
  running_deleted_instance_timeout: int(0, 'Seconds a server must have been deleted before that.'),
  sync_power_state_interval: int(600, 'Seconds between power state comparisons; negative never.'),
  heal_instance_info_cache_interval: int(-1, 'Seconds between refreshes of one network cache; negative never.'),
  instance_build_timeout: int(0, 'Seconds after which a build has failed; 0 never.', { min: 0 }),
  reboot_timeout: int(0, 'Seconds after which a reboot is repeated as a hard one; 0 never.', { min: 0 }),
  rescue_timeout: int(0, 'Seconds after which a rescue ends; 0 never.', { min: 0 }),
  resize_confirm_window: int(0, 'Seconds after which a resize is confirmed; 0 never.', { min: 0 }),
  shelved_offload_time: int(0, 'Seconds a shelved server stays on its host; -1 for ever.', { min: -1 }),
  shelved_poll_interval: int(3600, 'Seconds between two looks for them.'),
  shutdown_timeout: int(60, 'Seconds a guest may take to shut down.', { min: 0 }),
  resume_guests_state_on_host_boot: bool(false, 'Start guests that ran before the host went down.'),
  allow_resize_to_same_host: bool(false, 'A resize may stay on its host.'),
  migrate_max_retries: int(-1, 'Other hosts tried by a live migration; -1 is all.', { min: -1 }),
  max_local_block_devices: int(3, 'Local disks of a server; 0 demands volumes, -1 is unlimited.'),
  instance_usage_audit: bool(false, 'Send compute.instance.exists.'),
  volume_usage_poll_interval: int(
    0,
    'Seconds between two looks at the use of volumes, told as volume.usage; 0 never.',
    {
      min: 0,
    },
  ),
  instance_usage_audit_period: str('month', 'hour, day, month or year, with @offset.'),
} as const

const disks = {
  use_cow_images: bool(true, 'qcow2 overlays over a cached base image.'),
  force_raw_images: bool(true, 'Cached base images are raw.'),
  preallocate_images: choice(['none', 'space'], 'none', 'Reserve the whole disk at once.'),
  default_ephemeral_format: choice(['ext2', 'ext3', 'ext4', 'ntfs', 'xfs'], null, 'File system of ephemeral disks.'),
  virt_mkfs: multi([], 'mkfs commands by operating system.'),
  config_drive_format: choice(['iso9660', 'vfat'], 'iso9660', 'Format of config drives.'),
  force_config_drive: bool(false, 'Every new server has a config drive.'),
  mkisofs_cmd: str('genisoimage', 'Program that writes ISO 9660.'),
  pointer_model: choice(['ps2mouse', 'usbtablet', 'none'], 'usbtablet', 'Pointing device of guests.'),
  flat_injected: bool(false, 'Write the network template into guests.'),
  injected_network_template: str('', 'Template of flat_injected.'),
} as const

export const defaultSection = { ...host, ...services, ...api, ...resources, ...compute, ...disks } as const
