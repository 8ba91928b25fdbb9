import { type Field, payload } from './fields.ts'

/** Image properties by the type they have in a payload; the rest are texts. */
const properties = {
  boolean: `hw_boot_menu hw_ephemeral_encryption hw_firmware_stateless hw_ipxe_boot hw_locked_memory hw_mem_encryption
    hw_pmu hw_qemu_guest_agent hw_time_hpet hw_vif_multiqueue_enabled hw_virtio_packed_ring img_bdm_v2 img_bittorrent
    img_cache_in_nova img_hide_hypervisor_id img_linked_clone img_use_agent os_require_quiesce
    os_skip_agent_inject_files_at_boot os_skip_agent_inject_ssh`,
  integer: `hw_cpu_cores hw_cpu_max_cores hw_cpu_max_sockets hw_cpu_max_threads hw_cpu_sockets hw_cpu_threads
    hw_device_id hw_maxphysaddr_bits hw_numa_nodes hw_redirected_usb_ports hw_serial_port_count hw_video_ram
    img_compression_level img_version`,
  string: `hw_architecture hw_auto_disk_config hw_cdrom_bus hw_cpu_policy hw_cpu_realtime_mask hw_cpu_thread_policy
    hw_disk_bus hw_disk_type hw_emulation_architecture hw_ephemeral_encryption_format hw_firmware_type hw_floppy_bus
    hw_input_bus hw_machine_type hw_maxphysaddr_mode hw_mem_encryption_model hw_mem_page_size
    hw_pci_numa_affinity_policy hw_pointer_model hw_rescue_bus hw_rescue_device hw_rng_model hw_scsi_model
    hw_sound_model hw_tpm_model hw_tpm_version hw_usb_model hw_video_model hw_vif_model hw_viommu_model hw_vm_mode
    hw_watchdog_action img_config_drive img_hv_requested_version img_hv_type img_owner_id img_root_device_name
    img_signature img_signature_certificate_uuid img_signature_hash_method img_signature_key_type os_admin_user
    os_command_line os_distro os_secure_boot os_type`,
  specs: 'img_block_device_mapping img_mappings',
  strings: 'traits_required',
  values: 'hw_numa_cpus hw_numa_mem',
} as const

const words = (text: string): readonly string[] => text.split(/\s+/).filter(word => word !== '')

const fieldsOf = Object.entries(properties).flatMap(([kind, names]) =>
  words(names).map((name): [string, Field] => [name, kind === 'values' ? 'lists' : (kind as Field)]),
)

/** What the scheduler is asked. */
export const requestSpecPayloads = {
  RequestSpecPayload: payload('1.1', {
    availability_zone: 'string?',
    flavor: 'object FlavorPayload?',
    force_hosts: 'string?',
    force_nodes: 'string?',
    ignore_hosts: 'strings?',
    image: 'object ImageMetaPayload?',
    instance_group: 'object ServerGroupPayload?',
    instance_uuid: 'string',
    num_instances: 'integer',
    numa_topology: 'object InstanceNUMATopologyPayload?',
    pci_requests: 'object InstancePCIRequestsPayload?',
    project_id: 'string?',
    requested_destination: 'object DestinationPayload?',
    retry: 'object SchedulerRetriesPayload?',
    scheduler_hints: 'lists?',
    security_groups: 'strings',
    user_id: 'string?',
  }),
  ComputeTaskPayload: payload('1.0', {
    instance_uuid: 'string',
    reason: 'object ExceptionPayload',
    request_spec: 'object RequestSpecPayload?',
    state: 'string?',
  }),
  ImageMetaPayload: payload('1.0', {
    checksum: 'string?',
    container_format: 'string?',
    created_at: 'datetime?',
    direct_url: 'string?',
    disk_format: 'string?',
    id: 'string?',
    min_disk: 'integer?',
    min_ram: 'integer?',
    name: 'string?',
    owner: 'string?',
    properties: 'object ImageMetaPropsPayload',
    protected: 'boolean?',
    size: 'integer?',
    status: 'string?',
    tags: 'strings?',
    updated_at: 'datetime?',
    virtual_size: 'integer?',
    visibility: 'string?',
  }),
  ImageMetaPropsPayload: { version: '1.19', fields: Object.fromEntries(fieldsOf), isSparse: true },
  InstanceNUMATopologyPayload: payload('1.0', {
    cells: 'objects InstanceNUMACellPayload',
    emulator_threads_policy: 'string?',
    instance_uuid: 'string',
  }),
  InstanceNUMACellPayload: payload('1.2', {
    cpu_pinning_raw: 'integers?',
    cpu_policy: 'string?',
    cpu_thread_policy: 'string?',
    cpu_topology: 'object VirtCPUTopologyPayload?',
    cpuset: 'set',
    cpuset_reserved: 'set?',
    id: 'integer',
    memory: 'integer',
    pagesize: 'integer?',
    pcpuset: 'set',
  }),
  VirtCPUTopologyPayload: payload('1.0', { cores: 'integer?', sockets: 'integer?', threads: 'integer?' }),
  InstancePCIRequestsPayload: payload('1.0', {
    instance_uuid: 'string',
    requests: 'objects InstancePCIRequestPayload',
  }),
  InstancePCIRequestPayload: payload('1.1', {
    alias_name: 'string?',
    count: 'integer',
    numa_policy: 'string?',
    request_id: 'string?',
    spec: 'specs',
  }),
  DestinationPayload: {
    version: '1.0',
    fields: { aggregates: 'strings?', cell: 'object CellMappingPayload?', host: 'string', node: 'string?' },
    isSparse: true,
  },
  CellMappingPayload: payload('2.0', { disabled: 'boolean', name: 'string?', uuid: 'string' }),
  SchedulerRetriesPayload: payload('1.0', { hosts: 'strings', num_attempts: 'integer' }),
} as const
