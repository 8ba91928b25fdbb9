import { bool, choice, int, list, str } from '../option.ts'

export const libvirtSection = {
  virt_type: choice(['kvm', 'lxc', 'qemu', 'parallels'], 'kvm', 'Kind of guests.'),
  connection_uri: str('', 'libvirt connection; default by virt_type, qemu:///system.'),
  cpu_mode: choice(['host-model', 'host-passthrough', 'custom', 'none'], null, 'CPU that guests see.'),
  cpu_models: list([], 'CPU models of cpu_mode custom, in order of preference.', { deprecated: ['libvirt.cpu_model'] }),
  cpu_model_extra_flags: list([], 'CPU flags added (+) or removed (-).'),
  hw_machine_type: list([], 'Machine type by architecture: x86_64=q35'),
  tb_cache_size: int(null, 'MiB of translated code QEMU keeps per emulated guest.', { min: 0 }),
  images_type: choice(['raw', 'flat', 'qcow2', 'lvm', 'rbd', 'ploop', 'default'], 'default', 'Kind of guest disks.'),
  disk_cachemodes: list([], 'Cache mode by disk kind: file=writeback'),
  hw_disk_discard: choice(['ignore', 'unmap'], null, 'Discard requests of guests.'),
  disk_prefix: str(null, 'Prefix of disk names in guests.'),
  snapshot_image_format: choice(
    ['raw', 'qcow2', 'vmdk', 'vdi'],
    null,
    'Format of snapshots; default that of the source.',
  ),
  snapshots_directory: str('$instances_path/snapshots', 'Folder in which snapshots are made.'),
  snapshot_compression: bool(false, 'Compress qcow2 snapshots.'),
  inject_password: bool(false, 'Write the admin password into the image.'),
  inject_key: bool(false, 'Write the key pair into the image.'),
  inject_partition: int(-2, '-2 no injection, -1 find it, 0 the whole image, n that partition.', { min: -2 }),
  live_migration_inbound_addr: str(null, 'Address other hosts migrate to.'),
  live_migration_uri: str(null, 'libvirt URI of the target, with %s.'),
  live_migration_scheme: str(null, 'Transport in that URI.'),
  live_migration_bandwidth: int(0, 'MiB/s; 0 lets the hypervisor choose.'),
  live_migration_downtime: int(500, 'Longest pause in milliseconds.', { min: 100 }),
  live_migration_downtime_steps: int(10, 'Steps up to it.', { min: 3 }),
  live_migration_downtime_delay: int(75, 'Seconds between steps per GiB.', { min: 3 }),
  live_migration_completion_timeout: int(800, 'Seconds per GiB until the timeout action; 0 never.', {
    min: 0,
    mutable: true,
  }),
  live_migration_timeout_action: choice(['abort', 'force_complete'], 'abort', 'What happens then.', { mutable: true }),
  live_migration_permit_post_copy: bool(false, 'Allow post-copy.'),
  live_migration_permit_auto_converge: bool(false, 'Allow slowing the guest down.'),
  live_migration_with_native_tls: bool(false, "Encrypt with QEMU's own TLS."),
  live_migration_tunnelled: bool(false, 'Send through libvirtd.'),
  live_migration_parallel_connections: int(1, 'Connections for memory.', { min: 1 }),
  wait_soft_reboot_seconds: int(120, 'Seconds a soft reboot may take before a hard one.'),
  rng_dev_path: str('/dev/urandom', 'Source of random numbers for guests.'),
  mem_stats_period_seconds: int(10, 'Seconds between memory statistics; 0 or less none.'),
  sysinfo_serial: choice(['none', 'os', 'hardware', 'auto', 'unique'], 'unique', 'Serial number in SMBIOS.'),
  num_pcie_ports: int(0, 'PCIe root ports; 0 is the default of libvirt.', { min: 0, max: 28 }),
  rx_queue_size: int(null, 'Receive ring of virtio: 256, 512 or 1024.'),
  tx_queue_size: int(null, 'Transmit ring of virtio: 256, 512 or 1024.'),
  max_queues: int(null, 'Queue pairs of one NIC.', { min: 1 }),
  device_detach_attempts: int(8, 'Attempts to detach a device.', { min: 1 }),
  device_detach_timeout: int(20, 'Seconds to wait for each.', { min: 1 }),
  use_virtio_for_bridges: bool(true, 'NICs are virtio unless the image says otherwise.'),
  remote_filesystem_transport: choice(['ssh', 'rsync'], 'ssh', 'How disks travel in a cold migration.'),
  rescue_image_id: str(null, 'Image to rescue with; default that of the server.'),
  rescue_kernel_id: str(null, 'Kernel to rescue with.'),
  rescue_ramdisk_id: str(null, 'Initial file system to rescue with.'),
  swtpm_enabled: bool(false, 'Offer emulated TPMs.'),
  swtpm_user: str('tss', 'User of swtpm.'),
  swtpm_group: str('tss', 'Group of swtpm.'),
  images_cpu_time_limit: int(30, 'CPU seconds qemu-img may use on an image.'),
  images_address_space_limit: int(2, 'GiB of address space qemu-img may use.'),
} as const

export const imageCacheSection = {
  manager_interval: int(2400, 'Seconds between cleanings; 0 means 60, -1 never.', {
    min: -1,
    deprecated: ['DEFAULT.image_cache_manager_interval'],
  }),
  subdirectory_name: str('_base', 'Folder below instances_path.', {
    deprecated: ['DEFAULT.image_cache_subdirectory_name'],
  }),
  remove_unused_base_images: bool(true, 'Remove base images that no guest uses.', {
    deprecated: ['DEFAULT.remove_unused_base_images'],
  }),
  remove_unused_original_minimum_age_seconds: int(86_400, 'Age before that.', {
    deprecated: ['DEFAULT.remove_unused_original_minimum_age_seconds'],
  }),
  remove_unused_resized_minimum_age_seconds: int(3600, 'Age of resized copies before that.', {
    deprecated: ['libvirt.remove_unused_resized_minimum_age_seconds'],
  }),
  precache_concurrency: int(1, 'Hosts that fetch an image at a time.', { min: 1 }),
} as const

export const vncSection = {
  enabled: bool(true, 'Guests have a VNC display.', { deprecated: ['DEFAULT.vnc_enabled'] }),
  server_listen: str('127.0.0.1', 'Address of the display.', {
    deprecated: ['DEFAULT.vncserver_listen', 'vnc.vncserver_listen'],
  }),
  server_proxyclient_address: str('127.0.0.1', 'Address at which a proxy reaches it.', {
    deprecated: ['DEFAULT.vncserver_proxyclient_address', 'vnc.vncserver_proxyclient_address'],
  }),
  novncproxy_base_url: str('http://127.0.0.1:6080/vnc_auto.html', 'Page given to users.', {
    deprecated: ['DEFAULT.novncproxy_base_url'],
  }),
} as const
