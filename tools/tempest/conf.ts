/** tempest.conf for this cloud: where it is, what it is made of, and everything that simulated hosts can do. */

export interface Found {
  readonly identityUrl: string
  readonly adminPassword: string
  readonly folder: string
  readonly imageRef: string
  readonly imageRefAlt: string
  readonly flavorRef: string
  readonly flavorRefAlt: string
  readonly publicNetworkId: string
  readonly hosts: number
  /** An image of guests that boot and let themselves be logged in to; null where there are none. */
  readonly imageFile: string | null
  /** What the network service says it can do. */
  readonly networkExtensions: readonly string[]
}

type Value = string | number | boolean
type Section = Readonly<Record<string, Value>>

/** Off is only what needs somebody to log in to a guest, another service, or what Nova itself has dropped. */
const computeFeatures: Section = {
  disk_config: true,
  hostname_fqdn_sanitization: true,
  change_password: true,
  console_output: true,
  resize: true,
  pause: true,
  shelve: true,
  shelve_migrate: true,
  suspend: true,
  cold_migration: true,
  live_migration: true,
  live_migrate_back_and_forth: true,
  metadata_service: true,
  block_migration_for_live_migration: true,
  block_migrate_cinder_iscsi: true,
  can_migrate_between_any_hosts: true,
  vnc_console: true,
  spice_console: true,
  serial_console: true,
  rescue: true,
  stable_rescue: true,
  enable_instance_password: true,
  interface_attach: true,
  snapshot: true,
  personality: true,
  attach_encrypted_volume: true,
  config_drive: true,
  scheduler_enabled_filters: 'all',
  swap_volume: true,
  volume_backed_live_migration: true,
  volume_multiattach: true,
  ide_bus: true,
  unified_limits: false,
  xenapi_apis: false,
}

/** How Tempest gets into a guest: by a floating address, as the user of the small image. */
const logins: Section = {
  run_validation: true,
  connect_method: 'floating',
  auth_method: 'keypair',
  image_ssh_user: 'cirros',
  image_ssh_password: 'gocubsgo',
  image_alt_ssh_user: 'cirros',
  image_alt_ssh_password: 'gocubsgo',
  ssh_timeout: 180,
  ping_timeout: 120,
  network_for_ssh: 'public',
}

const guestImage: Section = { img_disk_format: 'qcow2', img_container_format: 'bare', dhcp_client: 'udhcpc' }

/** What TCG, or this kind of machine, cannot do for a guest. */
const unreal: Section = {
  spice_console: false,
  attach_encrypted_volume: false,
  block_migrate_cinder_iscsi: false,
  // Files go on the config drive: into a disk the libvirt driver puts none, as Nova's does unless told to.
  personality: false,
}

const sections = (found: Found): Readonly<Record<string, Section>> => ({
  DEFAULT: { log_dir: found.folder, log_file: 'tempest.log' },
  oslo_concurrency: { lock_path: `${found.folder}/locks` },
  auth: {
    use_dynamic_credentials: true,
    tempest_roles: 'member',
    admin_username: 'admin',
    admin_password: found.adminPassword,
    admin_project_name: 'admin',
    admin_domain_name: 'Default',
    default_credentials_domain_name: 'Default',
  },
  identity: { uri_v3: found.identityUrl, auth_version: 'v3', region: 'RegionOne', v3_endpoint_type: 'public' },
  'identity-feature-enabled': { api_v2: false, api_v3: true, security_compliance: false },
  service_available: { nova: true, glance: true, neutron: true, cinder: true, swift: false, horizon: false },
  compute: {
    image_ref: found.imageRef,
    image_ref_alt: found.imageRefAlt,
    flavor_ref: found.flavorRef,
    flavor_ref_alt: found.flavorRefAlt,
    fixed_network_name: 'private',
    min_microversion: '2.1',
    max_microversion: 'latest',
    min_compute_nodes: found.hosts,
    volume_device_name: 'vdb',
    hypervisor_type: found.imageFile !== null ? 'QEMU' : 'fake',
    build_interval: 1,
    build_timeout: found.imageFile !== null ? 300 : 120,
  },
  'compute-feature-enabled': found.imageFile !== null ? { ...computeFeatures, ...unreal } : computeFeatures,
  placement: { min_microversion: '1.0', max_microversion: 'latest' },
  network: {
    project_network_cidr: '10.100.0.0/16',
    project_network_mask_bits: 26,
    public_network_id: found.publicNetworkId,
    floating_network_name: 'public',
    build_interval: 1,
  },
  'network-feature-enabled': { ipv6: true, floating_ips: true, api_extensions: found.networkExtensions.join(',') },
  volume: { build_interval: 1, build_timeout: 120, min_microversion: '3.0', max_microversion: 'latest' },
  'volume-feature-enabled': { backup: false, snapshot: true, api_v3: true },
  image: { build_interval: 1 },
  validation: found.imageFile !== null ? logins : { run_validation: false },
  scenario: found.imageFile === null ? {} : { ...guestImage, img_file: found.imageFile },
})

const write = (name: string, section: Section): string =>
  [`[${name}]`, ...Object.entries(section).map(([key, value]) => `${key} = ${value}`), ''].join('\n')

export const tempestConf = (found: Found): string =>
  Object.entries(sections(found))
    .map(([name, section]) => write(name, section))
    .join('\n')
