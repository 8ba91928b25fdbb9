import { bool, choice, int, list, multi, str } from '../option.ts'
import { rabbitSection } from './rabbit.ts'
import { session } from './session.ts'

export const glanceSection = {
  ...session('image'),
  api_servers: list([], 'Image endpoints to use instead of the catalog.'),
  num_retries: int(3, 'Retries of a download.', { min: 0 }),
  verify_glance_signatures: bool(false, 'Refuse images without a valid signature.'),
  enable_certificate_validation: bool(false, 'Check the certificate of a signature.'),
  default_trusted_certificate_ids: list([], 'Certificates trusted when a server names none.'),
} as const

export const neutronSection = {
  ...session('network'),
  ovs_bridge: str('br-int', 'Integration bridge.'),
  default_floating_pool: str('nova', 'Pool of floating addresses.'),
  http_retries: int(3, 'Retries of a request.', { min: 0 }),
  extension_sync_interval: int(600, 'Seconds the list of extensions is kept.', { min: 0 }),
  physnets: list([], 'Physical networks with NUMA affinity.'),
  service_metadata_proxy: bool(false, "Metadata is asked through Neutron's agent, with signed headers."),
  metadata_proxy_shared_secret: str('', 'Key of those signatures.', { secret: true }),
} as const

export const placementSection = session('placement')
export const keystoneSection = session('identity')
/** Who may see the limits of all projects; with `system_scope = all`, as unified limits ask for. */
export const osloLimitSection = {
  ...session('identity'),
  endpoint_id: str(
    null,
    'Endpoint of Nova whose service and region the limits are of; without it all of type compute.',
  ),
} as const

export const cinderSection = {
  ...session(null),
  catalog_info: str('volumev3::publicURL', 'Endpoint in the catalog.'),
  endpoint_template: str(null, 'Endpoint to use instead.'),
  os_region_name: str(null, 'Region of the endpoint.'),
  cross_az_attach: bool(true, 'Volumes of another zone may be attached.'),
  http_retries: int(3, 'Retries of a request.', { min: 0 }),
} as const

export const manilaSection = {
  ...session('shared-file-system'),
  share_apply_policy_timeout: int(10, 'Seconds to wait until a share is open to its host; 0 not at all.', { min: 0 }),
} as const

export const keystoneAuthtokenSection = {
  ...session('identity'),
  www_authenticate_uri: str(null, 'Keystone endpoint named in a 401.', { deprecated: ['keystone_authtoken.auth_uri'] }),
  memcached_servers: list([], 'Servers that cache tokens.', { deprecated: ['keystone_authtoken.memcache_servers'] }),
  token_cache_time: int(300, 'Seconds a token is cached; -1 not at all.'),
  service_token_roles: list(['service'], 'Roles of which a service token must have one.'),
  service_token_roles_required: bool(false, 'Refuse service tokens without such a role.'),
} as const

export const serviceUserSection = {
  ...session(null),
  send_service_user_token: bool(false, 'Send a service token along to the neighbours.'),
} as const

export const vendordataDynamicAuthSection = session(null)

export const oslo = {
  oslo_policy: {
    policy_file: str('policy.yaml', 'File of policy rules.', { deprecated: ['DEFAULT.policy_file'] }),
    policy_dirs: multi(['policy.d'], 'Folders of more rules.'),
    policy_default_rule: str('default', 'Rule for what has none.', { deprecated: ['DEFAULT.policy_default_rule'] }),
    enforce_scope: bool(true, 'Check the scope of tokens.'),
    enforce_new_defaults: bool(true, 'Old default rules no longer count.'),
  },
  oslo_concurrency: {
    lock_path: str(null, 'Folder of lock files.', { deprecated: ['DEFAULT.lock_path'] }),
  },
  oslo_middleware: {
    max_request_body_size: int(114_688, 'Bytes of a request body.'),
    enable_proxy_headers_parsing: bool(false, 'Believe X-Forwarded headers.'),
  },
  oslo_messaging_notifications: {
    driver: multi(
      [],
      'How notifications leave: messagingv2, messaging (without envelope), log, noop; none: not at all.',
    ),
    transport_url: str(null, 'Broker of notifications; default the main one.', { secret: true }),
    topics: list(['notifications'], 'Topics of unversioned notifications.'),
    retry: int(-1, 'Tries of a notification after the first before it is dropped; -1 for ever.', { min: -1 }),
  },
  oslo_messaging_rabbit: rabbitSection,
  cache: {
    enabled: bool(false, 'Cache in memcached.'),
    backend: str('dogpile.cache.null', 'Cache implementation.'),
    memcache_servers: list(['localhost:11211'], 'Servers of the cache.'),
    expiration_time: int(600, 'Seconds an entry is kept.', { min: 1 }),
  },
  upgrade_levels: {
    compute: str(null, 'Version of calls to nova-compute: a number, a release or auto.', { mutable: true }),
    conductor: str(null, 'Version of calls to nova-conductor.', { mutable: true }),
    scheduler: str(null, 'Version of calls to nova-scheduler.', { mutable: true }),
    baseapi: str(null, 'Version of the base calls.', { mutable: true }),
    intercell: str(null, 'Version of messages between cells: a number, a release or auto.'),
    cells: str(null, 'Version of calls to nova-cells, likewise.'),
  },
  notifications: {
    notification_format: choice(['unversioned', 'versioned', 'both'], 'unversioned', 'Format of notifications.'),
    outbox_limit: int(
      100_000,
      'Notifications that wait at most while they cannot be sent; then the oldest are dropped. Not an option of the original.',
      { min: 1 },
    ),
    notify_on_state_change: choice(
      ['vm_state', 'vm_and_task_state'],
      null,
      'Tell of changes of servers, and with old and new values of these states.',
    ),
    versioned_notifications_topics: list(['versioned_notifications'], 'Topics of versioned notifications.'),
    bdms_in_notifications: bool(false, 'Payloads of servers hold their volumes.'),
    include_share_mapping: bool(false, 'Payloads of servers hold their shares.'),
    default_level: choice(
      ['DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL'],
      'INFO',
      'Without effect, as in the original.',
    ),
  },
} as const
