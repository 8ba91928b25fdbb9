import { serviceSections } from './identity.ts'
import type { Infrastructure } from './infrastructure.ts'
import { credentials, host, type Place } from './place.ts'
import type { Programs } from './programs.ts'

/** Volumes are sparse files (`python/nova_neighbours_volumes.py`): no device mapper, no iSCSI target. */
export async function startCinder(place: Place, programs: Programs, infrastructure: Infrastructure): Promise<void> {
  const helper = { helper_command: `privsep-helper --config-file ${place.folder}/etc/cinder/cinder.conf` }
  const file = place.configure('cinder', 'cinder.conf', {
    DEFAULT: {
      use_stderr: true,
      auth_strategy: 'keystone',
      transport_url: infrastructure.neighboursUrl,
      my_ip: host,
      host: 'neighbours',
      glance_api_servers: place.url('glance'),
      enabled_backends: 'files',
      default_volume_type: '__DEFAULT__',
      state_path: place.at('state', 'cinder'),
      image_conversion_dir: place.at('state', 'cinder', 'conversion'),
      api_paste_config: '/etc/cinder/api-paste.ini',
      rootwrap_config: '/etc/cinder/rootwrap.conf',
      resource_query_filters_file: '/etc/cinder/resource_filters.json',
    },
    database: { connection: infrastructure.database('cinder'), max_pool_size: 10, max_overflow: 50 },
    files: {
      volume_driver: 'nova_neighbours_volumes.FileDriver',
      volume_backend_name: 'files',
      volumes_folder: place.at('state', 'cinder', 'volumes'),
    },
    cinder_sys_admin: helper,
    // Nova hears of new content and of growth.
    nova: { ...credentials(place, 'cinder'), interface: 'public' },
    service_user: { send_service_user_token: true, ...credentials(place, 'cinder') },
    oslo_messaging_notifications: { driver: 'noop' },
    oslo_messaging_rabbit: { heartbeat_timeout_threshold: 0 },
    ...serviceSections(place, 'cinder'),
  })
  const option = `--config-file=${file}`
  await programs.run('cinder-setup', 'cinder-manage', option, 'db', 'sync')
  programs.startApi('cinder', '/usr/bin/cinder-wsgi', { options: [`--pyargv=${option}`] })
  for (const name of ['cinder-scheduler', 'cinder-volume']) programs.start(name, name, [option])
}
