/** Keystone, and what an operator writes into it first: roles, accounts, projects, the catalogue. */
import { join } from 'node:path'
import { Rest } from '../../test/cloud/rest.ts'
import type { Infrastructure } from './infrastructure.ts'
import { type Account, authtoken, type Listener, type Place, region } from './place.ts'
import type { Programs } from './programs.ts'

/** Without its database it can be asked for nothing, so that comes first. */
export async function startKeystone(place: Place, programs: Programs, { database }: Infrastructure): Promise<void> {
  const keys = (name: string) => ({ key_repository: place.at('state', 'keystone', name) })
  const file = place.configure('keystone', 'keystone.conf', {
    DEFAULT: { use_stderr: true, public_endpoint: place.url('keystone') },
    database: { connection: database('keystone') },
    token: { provider: 'fernet' },
    fernet_tokens: keys('fernet-keys'),
    credential: keys('credential-keys'),
    cache: { enabled: true, backend: 'dogpile.cache.memcached', memcache_servers: place.memcached },
  })
  const manage = (...args: readonly string[]) =>
    programs.run('keystone-setup', 'keystone-manage', `--config-file=${file}`, ...args)
  const asRoot = ['--keystone-user=root', '--keystone-group=root']
  await manage('db_sync')
  await manage('fernet_setup', ...asRoot)
  await manage('credential_setup', ...asRoot)
  const v3 = `${place.url('keystone')}/v3`
  const urls = ['admin', 'internal', 'public'].map(name => `--bootstrap-${name}-url=${v3}`)
  // By the environment: other users of the machine see the arguments of a program.
  const bootstrap = [`--config-file=${file}`, 'bootstrap', `--bootstrap-region-id=${region}`, ...urls]
  await programs.runWith(
    'keystone-setup',
    { OS_BOOTSTRAP_PASSWORD: place.passwords.admin },
    'keystone-manage',
    bootstrap,
  )
  programs.startApi('keystone', '/usr/bin/keystone-wsgi-public')
  await programs.answers('keystone')
  await furnish(place)
}

interface Named {
  readonly id: string
  readonly name: string
}

async function furnish(place: Place): Promise<void> {
  const admin = await Rest.login(place.url('keystone'), 'admin', place.passwords.admin, 'admin')
  const keystone = <T>(method: string, path: string, body?: unknown) => admin.call<T>('identity', method, path, body)
  const made = async (kind: string, body: object): Promise<string> => {
    const reply = await keystone<Record<string, Named>>('POST', `/${kind}s`, { [kind]: body })
    return reply[kind]?.id ?? ''
  }
  const { roles } = await keystone<{ roles: readonly Named[] }>('GET', '/roles')
  const roleIds = new Map(roles.map(role => [role.name, role.id]))
  for (const name of ['service']) if (!roleIds.has(name)) roleIds.set(name, await made('role', { name }))
  const account = async (name: Account, projectId: string, names: readonly string[]) => {
    const userId = await made('user', { name, password: place.passwords[name], default_project_id: projectId })
    for (const role of names) await keystone('PUT', `/projects/${projectId}/users/${userId}/roles/${roleIds.get(role)}`)
    return userId
  }
  const users = new Map<Account, string>()
  const service = await made('project', { name: 'service' })
  for (const name of ['nova', 'glance', 'placement', 'neutron', 'cinder'] as const)
    users.set(name, await account(name, service, ['admin', 'service']))
  // Limits of all projects are for the system's eyes.
  await keystone('PUT', `/system/users/${users.get('nova')}/roles/${roleIds.get('reader')}`)
  await account('demo', await made('project', { name: 'demo' }), ['member', 'reader'])

  const catalogue: readonly (readonly [string, string, Listener, string])[] = [
    ['glance', 'image', 'glance', ''],
    ['placement', 'placement', 'placement', ''],
    ['neutron', 'network', 'neutron', ''],
    ['cinderv3', 'volumev3', 'cinder', '/v3/$(project_id)s'],
    ['nova', 'compute', 'compute', '/v2.1'],
  ]
  for (const [name, type, listener, path] of catalogue) {
    const service_id = await made('service', { name, type })
    const url = `${place.url(listener)}${path}`
    for (const which of ['public', 'internal', 'admin'])
      await made('endpoint', { service_id, interface: which, url, region_id: region })
  }
}

/** For `openstack` and `source`. */
export const openrc = (place: Place, account: Account, project: string): string =>
  Object.entries(clientEnv(place, account, project))
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('')

export const clientEnv = (place: Place, account: Account, project: string): Readonly<Record<string, string>> => ({
  OS_AUTH_URL: `${place.url('keystone')}/v3`,
  OS_USERNAME: account,
  OS_PASSWORD: place.passwords[account],
  OS_PROJECT_NAME: project,
  OS_USER_DOMAIN_ID: 'default',
  OS_PROJECT_DOMAIN_ID: 'default',
  OS_REGION_NAME: region,
  OS_IDENTITY_API_VERSION: '3',
  HOME: join(place.folder, 'home'),
})

export const serviceSections = (place: Place, account: Account) => ({
  keystone_authtoken: authtoken(place, account),
  oslo_concurrency: { lock_path: place.at('state', 'lock') },
})
