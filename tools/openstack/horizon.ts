/** Horizon, whose pages a browser sees: it asks the neighbours and us as whoever has logged in. */
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Neighbours } from './neighbours.ts'
import { host, type Place, region } from './place.ts'

/** What the package has gathered for browsers, made ready when it was installed. */
const staticFiles = '/var/lib/openstack-dashboard/static'

const settings = (place: Place): Readonly<Record<string, unknown>> => ({
  ALLOWED_HOSTS: [host],
  // The package's own settings write theirs to a file of the whole machine.
  SECRET_KEY: randomBytes(32).toString('hex'),
  OPENSTACK_HOST: host,
  OPENSTACK_KEYSTONE_URL: `${place.url('keystone')}/v3`,
  AVAILABLE_REGIONS: [[`${place.url('keystone')}/v3`, region]],
  TIME_ZONE: 'UTC',
  // Warnings of the clients say what was refused; on DEBUG they would write tokens.
  LOGGING: {
    version: 1,
    disable_existing_loggers: 0,
    handlers: { console: { level: 'INFO', class: 'logging.StreamHandler' } },
    root: { level: 'INFO', handlers: ['console'] },
  },
})

/** As the module `local.local_settings`, before the one of the package, which is the machine's own. */
function configure(place: Place): string {
  const modules = place.at('etc', 'horizon')
  const folder = place.at('etc', 'horizon', 'local')
  // What JSON has here, Python writes alike.
  const lines = Object.entries(settings(place)).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
  writeFileSync(join(folder, '__init__.py'), '')
  writeFileSync(join(folder, 'local_settings.py'), lines.join(''), { mode: 0o600 })
  return modules
}

export async function startHorizon({ place, programs }: Neighbours): Promise<void> {
  const env = { PYTHONPATH: `${configure(place)}:${place.env['PYTHONPATH']}` }
  programs.startApi('horizon', '/usr/share/openstack-dashboard/wsgi.py', {
    env,
    options: [`--static-map=/static=${staticFiles}`],
  })
  await programs.answers('horizon')
}
