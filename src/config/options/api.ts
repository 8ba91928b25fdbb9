import { bool, choice, int, list, str } from '../option.ts'

const oldConfigDriveVersions = '1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01'

export const apiSection = {
  auth_strategy: choice(['keystone', 'noauth2'], 'keystone', 'How callers are identified.', {
    deprecated: ['DEFAULT.auth_strategy'],
  }),
  max_limit: int(1000, 'Largest and default page size.', { min: 0, deprecated: ['DEFAULT.osapi_max_limit'] }),
  compute_link_prefix: str(null, 'Base of links to the Compute API.', {
    deprecated: ['DEFAULT.osapi_compute_link_prefix'],
  }),
  glance_link_prefix: str(null, 'Base of links to images.', { deprecated: ['DEFAULT.osapi_glance_link_prefix'] }),
  enable_instance_password: bool(true, 'Answers to create, rebuild and rescue carry adminPass.', {
    deprecated: ['DEFAULT.enable_instance_password'],
  }),
  dhcp_domain: str('novalocal', 'Appended to host names in metadata.', { deprecated: ['DEFAULT.dhcp_domain'] }),
  metadata_cache_expiration: int(15, 'Seconds metadata may be old; 0 reads it anew.', {
    min: 0,
    deprecated: ['DEFAULT.metadata_cache_expiration'],
  }),
  local_metadata_per_cell: bool(false, 'The metadata service reads the database of its cell only.'),
  vendordata_providers: list(['StaticJSON'], 'Where vendor data comes from.', {
    deprecated: ['DEFAULT.vendordata_providers'],
    choices: ['StaticJSON', 'DynamicJSON'],
  }),
  vendordata_jsonfile_path: str(null, 'File of the static vendor data.', {
    deprecated: ['DEFAULT.vendordata_jsonfile_path'],
  }),
  vendordata_dynamic_targets: list([], 'Services asked for vendor data: name@url', {
    deprecated: ['DEFAULT.vendordata_dynamic_targets'],
  }),
  vendordata_dynamic_connect_timeout: int(5, 'Seconds to connect to such a service.', {
    min: 3,
    deprecated: ['DEFAULT.vendordata_dynamic_connect_timeout'],
  }),
  vendordata_dynamic_read_timeout: int(5, 'Seconds to wait for its answer.', {
    min: 0,
    deprecated: ['DEFAULT.vendordata_dynamic_read_timeout'],
  }),
  vendordata_dynamic_failure_fatal: bool(false, 'A failing service fails the build.', {
    deprecated: ['DEFAULT.vendordata_dynamic_failure_fatal'],
  }),
  vendordata_dynamic_ssl_certfile: str('', 'CA certificates for such services.', {
    deprecated: ['DEFAULT.vendordata_dynamic_ssl_certfile'],
  }),
  config_drive_skip_versions: str(
    oldConfigDriveVersions,
    'EC2 versions left out of config drives, separated by blanks.',
    { deprecated: ['DEFAULT.config_drive_skip_versions'] },
  ),
  instance_list_per_project_cells: bool(false, 'List only cells in which the project has servers.'),
  instance_list_cells_batch_strategy: choice(
    ['distributed', 'fixed'],
    'distributed',
    'How many servers one cell is asked for.',
  ),
  instance_list_cells_batch_fixed_size: int(100, 'That number, when fixed.', { min: 100 }),
  list_records_by_skipping_down_cells: bool(true, 'Lists leave out cells that do not answer; otherwise 500.'),
  use_neutron_default_nets: bool(false, 'Ask Neutron for a default network.', {
    deprecated: ['DEFAULT.use_neutron_default_nets'],
  }),
  neutron_default_project_id: str('default', 'Project of that network.', {
    deprecated: ['DEFAULT.neutron_default_tenant_id'],
  }),
  response_validation: choice(
    ['error', 'warn', 'ignore'],
    'warn',
    'What happens when an answer does not fit its schema.',
  ),
} as const
