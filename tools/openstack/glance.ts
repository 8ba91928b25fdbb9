import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceSections } from './identity.ts'
import type { Infrastructure } from './infrastructure.ts'
import { host, type Place } from './place.ts'
import type { Programs } from './programs.ts'

/** Images are files; a format comes from who uploads, as Glance's schema says. */
export async function startGlance(place: Place, programs: Programs, { database }: Infrastructure): Promise<void> {
  const folder = place.at('etc', 'glance')
  const file = place.configure('glance', 'glance-api.conf', {
    DEFAULT: {
      use_stderr: true,
      bind_host: host,
      bind_port: place.ports.glance,
      enabled_import_methods: '[glance-direct]',
    },
    database: { connection: database('glance') },
    glance_store: {
      stores: 'file,http',
      default_store: 'file',
      filesystem_store_datadir: place.at('state', 'glance', 'images'),
    },
    paste_deploy: { flavor: 'keystone', config_file: join(folder, 'glance-api-paste.ini') },
    ...serviceSections(place, 'glance'),
  })
  for (const name of ['glance-api-paste.ini', 'schema-image.json'])
    copyFileSync(join('/etc/glance', name), join(folder, name))
  await programs.run('glance-setup', 'glance-manage', `--config-file=${file}`, 'db_sync')
  programs.startApi('glance', '/usr/bin/glance-wsgi-api')
}
