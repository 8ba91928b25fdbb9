/** Our services as processes of their own beside Debian's, on MariaDB and RabbitMQ, where the catalogue has Nova. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Closers } from '#base'
import { type Ini, iniText } from '../../tools/openstack/ini.ts'
import type { NeighboursFile } from '../../tools/openstack/neighbours.ts'
import { type ServiceName, ServiceProcess } from '../bin/processes.ts'
import { session } from '../cli/session.ts'

/** How a service of ours logs in; `$` begins the name of another option in nova.conf. */
const credentials = ({ urls, passwords, region }: NeighboursFile, scope: object = { project_name: 'service' }) => ({
  auth_type: 'password',
  auth_url: urls.identity,
  username: 'nova',
  password: passwords.nova,
  user_domain_name: 'Default',
  project_domain_name: 'Default',
  region_name: region,
  ...scope,
})

export interface NovaOptions {
  /** Further options, over those that every such cloud has. */
  readonly more?: Ini
  readonly host: string
  /** Hosts beside it, of the same kind. */
  readonly otherHosts?: readonly string[]
}

const conf = (file: NeighboursFile, folder: string, { host, more = {} }: NovaOptions): Ini => {
  const ours = credentials(file)
  const base: Ini = {
    DEFAULT: {
      host,
      my_ip: '127.0.0.1',
      state_path: folder,
      instances_path: join(folder, 'instances'),
      transport_url: file.transportUrl,
      compute_driver: 'fake.FakeDriver',
      osapi_compute_listen: '127.0.0.1',
      osapi_compute_listen_port: file.ports.compute,
      metadata_listen: '127.0.0.1',
      metadata_listen_port: file.ports.metadata,
      allow_resize_to_same_host: true,
      ...more['DEFAULT'],
    },
    keystone_authtoken: { ...ours, service_token_roles: 'service', service_token_roles_required: true },
    service_user: { send_service_user_token: true, ...ours },
    oslo_limit: credentials(file, { system_scope: 'all' }),
    neutron: { ...ours, service_metadata_proxy: true, metadata_proxy_shared_secret: file.metadataSecret },
    placement: ours,
    cinder: { ...ours, os_region_name: file.region },
    glance: ours,
  }
  const others = Object.entries(more).filter(([name]) => name !== 'DEFAULT')
  return { ...base, ...Object.fromEntries(others.map(([name, own]) => [name, { ...base[name], ...own }])) }
}

export interface Nova {
  readonly folder: string
  readonly service: Readonly<Partial<Record<ServiceName, ServiceProcess>>>
  /** nova-compute of the other hosts, by name. */
  readonly otherHost: Readonly<Record<string, ServiceProcess>>
  clientEnvironment(): NodeJS.ProcessEnv
  close(): Promise<void>
}

export async function startNova(
  file: NeighboursFile,
  names: readonly ServiceName[],
  options: NovaOptions,
): Promise<Nova> {
  const closers = new Closers()
  const folder = mkdtempSync(join(file.folder, 'nova-'))
  mkdirSync(join(folder, 'instances'))
  const ini = conf(file, folder, options)
  const configFile = join(folder, 'nova.conf')
  const mode = { mode: 0o600 }
  writeFileSync(configFile, iniText({ ...ini, database: { connection: file.databaseUrl } }), mode)
  // A host has no database.
  const hostConfig = (at: string, own: Ini[string] = {}): string => {
    const path = join(at, 'nova-compute.conf')
    writeFileSync(path, iniText({ ...ini, DEFAULT: { ...ini['DEFAULT'], ...own } }), mode)
    return path
  }
  const hostConfigFile = hostConfig(folder)
  const service = Object.fromEntries(
    names.map(name => [name, new ServiceProcess(name, name === 'nova-compute' ? hostConfigFile : configFile, folder)]),
  ) as Nova['service']
  const otherHost = Object.fromEntries(
    (options.otherHosts ?? []).map(name => {
      const at = join(folder, name)
      const instances = join(at, 'instances')
      mkdirSync(instances, { recursive: true })
      const own = { host: name, state_path: at, instances_path: instances }
      return [name, new ServiceProcess('nova-compute', hostConfig(at, own), at)]
    }),
  )
  const all = [...Object.values(service), ...Object.values(otherHost)]
  for (const process of all) closers.add(() => process.end('SIGKILL'))
  try {
    // The schema is made by whoever comes first.
    for (const process of all) await process.start()
  } catch (error) {
    await closers.close()
    throw error
  }
  return {
    folder,
    service,
    otherHost,
    clientEnvironment: () => environment(file, 'admin', 'admin'),
    close: () => closers.close(),
  }
}

/** Of the `openstack` client, and none of the OS_… variables that whoever runs the tests may have sourced. */
export function environment(file: NeighboursFile, user: 'admin' | 'demo', project: string): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('OS_'))
  return {
    ...Object.fromEntries(own),
    OS_AUTH_URL: file.urls.identity,
    OS_USERNAME: user,
    OS_PASSWORD: file.passwords[user],
    OS_PROJECT_NAME: project,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_REGION_NAME: file.region,
    OS_IDENTITY_API_VERSION: '3',
    OS_COMPUTE_API_VERSION: '2.90',
    // Volumes grow while they are in use.
    OS_VOLUME_API_VERSION: '3.42',
  }
}

/** What the client prints for one command, with `-f json`. */
export async function asked<T>(cloud: Pick<Nova, 'clientEnvironment'>, command: string): Promise<T> {
  const output = await session(cloud, [`${command} -f json`])
  const at = output.search(/[[{]/)
  if (at < 0) throw new Error(`${command} printed no document: ${output}`)
  return JSON.parse(output.slice(at)) as T
}
