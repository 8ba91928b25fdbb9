/** Where the neighbours of one cloud are: one folder, free ports of loopback, passwords that nobody chose. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../../test/rabbit/broker.ts'
import { type Ini, iniText } from './ini.ts'

/** Their accounts at Keystone, MariaDB and RabbitMQ. */
export const accounts = ['admin', 'demo', 'nova', 'keystone', 'glance', 'placement', 'neutron', 'cinder'] as const
export type Account = (typeof accounts)[number]

const listeners = [
  'keystone',
  'glance',
  'placement',
  'neutron',
  'cinder',
  'horizon',
  'memcached',
  'compute',
  'metadata',
] as const
export type Listener = (typeof listeners)[number]

export const host = '127.0.0.1'
export const region = 'RegionOne'

export class Place {
  readonly folder: string
  readonly ports: Readonly<Record<Listener, number>>
  readonly passwords: Readonly<Record<Account, string>>
  /** Between Neutron's metadata agent and our metadata API. */
  readonly metadataSecret = randomBytes(16).toString('hex')

  private constructor(folder: string, ports: readonly number[]) {
    this.folder = folder
    this.ports = Object.fromEntries(listeners.map((name, i) => [name, ports[i]])) as Record<Listener, number>
    this.passwords = Object.fromEntries(
      accounts.map(name => [name, randomBytes(16).toString('hex')]),
    ) as unknown as Record<Account, string>
  }

  /** `folder` exists, is empty and for us alone; short, because unix sockets in it have at most 107 characters. */
  static async make(folder: string): Promise<Place> {
    const place = new Place(folder, await freePorts(listeners.length))
    for (const name of ['etc', 'home', 'log', 'run', 'state/lock', 'tmp']) place.at(name)
    return place
  }

  /** A folder of the place, made when it is not there. */
  at(...names: readonly string[]): string {
    const path = join(this.folder, ...names)
    mkdirSync(path, { recursive: true, mode: 0o700 })
    return path
  }

  url(listener: Listener): string {
    return `http://${host}:${this.ports[listener]}`
  }

  get memcached(): string {
    return `${host}:${this.ports.memcached}`
  }

  /** Writes `etc/SERVICE/NAME` and gives its path. */
  configure(service: string, name: string, ini: Ini): string {
    const path = join(this.at('etc', service), name)
    writeFileSync(path, iniText(ini), { mode: 0o600 })
    return path
  }

  /** What every program of theirs starts with: nothing of ours, no proxies. */
  get env(): NodeJS.ProcessEnv {
    const etc = (service: string) => join(this.folder, 'etc', service)
    return {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      HOME: join(this.folder, 'home'),
      TMPDIR: join(this.folder, 'tmp'),
      PYTHONPATH: join(import.meta.dirname, 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONWARNINGS: 'ignore',
      OS_KEYSTONE_CONFIG_DIR: etc('keystone'),
      OS_GLANCE_CONFIG_DIR: etc('glance'),
      OS_PLACEMENT_CONFIG_DIR: etc('placement'),
    }
  }
}

/** The options with which `account` logs in at Keystone. */
export const credentials = (place: Place, account: Account) => ({
  auth_type: 'password',
  auth_url: place.url('keystone'),
  username: account,
  password: place.passwords[account],
  project_name: 'service',
  user_domain_name: 'Default',
  project_domain_name: 'Default',
  region_name: region,
})

/** `[keystone_authtoken]`: who says what is a token, and that a service may speak for a user whose token ends. */
export const authtoken = (place: Place, account: Account) => ({
  ...credentials(place, account),
  www_authenticate_uri: place.url('keystone'),
  memcached_servers: place.memcached,
  service_token_roles: 'service',
  service_token_roles_required: true,
})

/** With programs before the machine's own, each of which says why. */
export const withShims = ({ env }: Place): NodeJS.ProcessEnv => ({
  PATH: `${join(import.meta.dirname, 'shim')}:${env['PATH']}`,
})
