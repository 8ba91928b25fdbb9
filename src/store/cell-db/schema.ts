import type { Generated } from 'kysely'

/** Tables of a cell database. Times are milliseconds since the epoch; `*_json` columns are carried, hardly ever queried. */
export interface CellTables {
  instances: {
    number: Generated<number>
    id: string
    project_id: string
    user_id: string
    display_name: string
    hostname: string
    description: string | null
    reservation_id: string
    launch_index: number
    vm_state: string
    task_state: string | null
    power_state: number
    host: string | null
    node: string | null
    launched_on: string | null
    requested_zone: string | null
    flavor_id: string
    memory_mib: number
    vcpus: number
    root_gib: number
    ephemeral_gib: number
    flavor_json: string
    image_id: string | null
    image_json: string | null
    key_name: string | null
    key_json: string | null
    user_data: string | null
    config_drive: number
    access_ip_v4: string | null
    access_ip_v6: string | null
    root_device_name: string | null
    progress: number
    locked_by: string | null
    locked_reason: string | null
    metadata_json: string
    system_metadata_json: string
    security_groups_json: string
    trusted_certs_json: string | null
    network_json: string
    created_at: number
    updated_at: number | null
    launched_at: number | null
    terminated_at: number | null
    deleted_at: number | null
    /**
     * 0, or the row's own number once deleted: unique constraints then ignore the dead. -1 for the copy of a server that lives
     * in another cell: nobody sees it.
     */
    deleted: number
    saga_id: string | null
  }
  instance_tags: { instance_id: string; tag: string }
  instance_faults: {
    number: Generated<number>
    instance_id: string
    code: number
    message: string
    details: string | null
    host: string | null
    created_at: number
  }
  instance_actions: {
    number: Generated<number>
    instance_id: string
    action: string
    request_id: string
    user_id: string | null
    project_id: string | null
    start_at: number
    updated_at: number | null
    message: string | null
    deleted: number
  }
  instance_action_events: {
    number: Generated<number>
    action_number: number
    event: string
    start_at: number
    finish_at: number | null
    result: string | null
    traceback: string | null
    host: string | null
    details: string | null
  }
  services: {
    number: Generated<number>
    uuid: string
    host: string
    binary: string
    topic: string
    report_count: number
    last_seen_at: number
    disabled: number
    disabled_reason: string | null
    forced_down: number
    version: number
    host_mark: Generated<number>
    lease_ms: number | null
    fence_json: string | null
    created_at: number
    updated_at: number | null
  }
  compute_nodes: {
    number: Generated<number>
    /** Also the resource provider's id. */
    uuid: string
    host: string
    hypervisor_hostname: string
    description_json: string
    stats_json: string
    cpu_allocation_ratio: number
    ram_allocation_ratio: number
    disk_allocation_ratio: number
    /** Grows with every claim on the node, so that none is made on what another has just taken. */
    claim_generation: Generated<number>
    host_mark: Generated<number>
    created_at: number
    updated_at: number
  }
  /** See `host-marks.ts`. */
  /** With the server, wherever its cell is: its moves start from it. */
  request_specs: { instance_id: string; spec_json: string }
  host_marks: {
    name: string
    number: number
  }
  host_claims: {
    /** A server, or a move that keeps its source. */
    consumer_id: string
    instance_id: string
    node_id: string
    numa_json: string | null
    /** The PCI requests that its devices answer. */
    requests_json: string
    ports_json: string | null
  }
  pci_devices: {
    number: Generated<number>
    node_id: string
    address: string
    state: string
    consumer_id: string | null
    request_id: string | null
    device_json: string
  }
  sagas: {
    /** Order of acceptance. */
    number: Generated<number>
    id: string
    name: string
    instance_id: string | null
    /** open, done, undone */
    status: string
    /** Another saga that must end first. */
    waits_for: string | null
    is_cancelled: number
    owner: string | null
    lease_until: number
    generation: number
    input_json: string
    journal_json: string
    created_at: number
    updated_at: number
  }
  console_auth_tokens: {
    number: Generated<number>
    /** SHA-256 in hex; the token itself is nowhere. */
    token_hash: string
    console_type: string
    host: string
    port: number
    tls_port: number | null
    internal_access_path: string | null
    access_url_base: string
    instance_id: string
    compute_host: string | null
    expires_at: number
    created_at: number
  }
  task_log: {
    number: Generated<number>
    task_name: string
    state: string
    host: string
    period_beginning: number
    period_ending: number
    message: string
    task_items: number
    errors: number
  }
  launch_secrets: { instance_id: string; secret_json: string }
  block_device_mappings: {
    number: Generated<number>
    id: string
    instance_id: string
    source_type: string
    destination_type: string | null
    image_id: string | null
    volume_id: string | null
    snapshot_id: string | null
    boot_index: number | null
    device_name: string | null
    disk_bus: string | null
    device_type: string | null
    guest_format: string | null
    volume_size: number | null
    volume_type: string | null
    delete_on_termination: number
    tag: string | null
    attachment_id: string | null
    connection_info_json: string | null
    created_at: number
    encrypted: Generated<number>
    encryption_secret_uuid: string | null
    encryption_format: string | null
    encryption_options: string | null
  }
  share_mapping: {
    number: Generated<number>
    uuid: string
    instance_id: string
    share_id: string
    status: string
    tag: string
    export_location: string
    share_proto: string
    /** To whom the share service opened it for this server. */
    access_to: string | null
    created_at: number
    updated_at: number | null
  }
  migrations: {
    number: Generated<number>
    /** Also a consumer of placement. */
    uuid: string
    instance_id: string
    type: string
    status: string
    source_host: string
    source_node: string | null
    dest_host: string | null
    dest_node: string | null
    dest_ip: string | null
    old_flavor_json: string | null
    new_flavor_json: string | null
    user_id: string | null
    project_id: string | null
    cross_cell: number
    progress_json: string | null
    /** Growth that the quota counts before the instance's row shows it. */
    pending_vcpus: number
    pending_memory_mib: number
    created_at: number
    updated_at: number | null
  }
  outbox: {
    number: Generated<number>
    instance_id: string | null
    project_id: string | null
    format: string
    event_type: string
    priority: string
    message_json: string
    created_at: number
  }
  /** What was archived: rows of other tables as they were. */
  shadow_rows: {
    number: Generated<number>
    table_name: string
    instance_id: string | null
    /** When the server was deleted, or the period ended. */
    stamped_at: number
    row_json: string
  }
  outbox_senders: { name: string; owner: string; lease_until: number }
  volume_usage: {
    volume_id: string
    instance_id: string
    total_json: string
    current_json: string
    refreshed_at: number
  }
}
