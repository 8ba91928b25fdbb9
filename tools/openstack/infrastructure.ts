/** What the services work on: a MariaDB server, a RabbitMQ broker, memcached. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { startMariaServer } from '../../test/database/maria-server.ts'
import { Broker, brokerUser } from '../../test/rabbit/broker.ts'
import { type Account, host, type Place } from './place.ts'
import type { Programs } from './programs.ts'

export interface Infrastructure {
  /** SQLAlchemy's address of a database of that account's own. */
  database(account: Account): string
  /** `transport_url` of Neutron and Cinder; ours has a virtual host beside it. */
  readonly neighboursUrl: string
  readonly novaUrl: string
  close(): Promise<void>
}

/** Each account has a database of its own name; UTF-8 of three bytes, which their indexes are made for. */
const databases: readonly Account[] = ['keystone', 'glance', 'placement', 'neutron', 'cinder', 'nova']
const characters = (account: Account) => (account === 'nova' ? 'utf8mb4' : 'utf8mb3')

const statements = (place: Place): string =>
  databases
    .map(
      name => `CREATE DATABASE \`${name}\` CHARACTER SET ${characters(name)};
CREATE USER '${name}'@'localhost' IDENTIFIED BY '${place.passwords[name]}';
GRANT ALL ON \`${name}\`.* TO '${name}'@'localhost';`,
    )
    .join('\n')

async function makeDatabases(place: Place, socket: string): Promise<void> {
  const client = promisify(execFile)('mariadb', ['--no-defaults', `--socket=${socket}`, '--user=root'], {
    env: place.env,
  })
  client.child.stdin?.end(statements(place))
  await client
}

const virtualHosts = { neighbours: 'neighbours', nova: 'nova' }

function startBroker(place: Place): Promise<Broker> {
  const { neighbours, nova } = virtualHosts
  const right = (user: string, vhost: string) => ({ user, vhost, configure: '.*', write: '.*', read: '.*' })
  return Broker.start({
    folder: place.at('state', 'rabbitmq'),
    definitions: {
      users: [brokerUser('neutron', place.passwords.neutron), brokerUser('nova', place.passwords.nova)],
      vhosts: [{ name: neighbours }, { name: nova }],
      permissions: [right('neutron', neighbours), right('nova', nova)],
    },
  })
}

export async function startInfrastructure(place: Place, programs: Programs): Promise<Infrastructure> {
  programs.start('memcached', 'memcached', ['-u', 'root', '-l', host, '-p', String(place.ports.memcached), '-m', '64'])
  const [server, broker] = await Promise.all([
    startMariaServer(place.at('state', 'mysql'), ['--max-connections=2000', '--innodb-buffer-pool-size=256M']),
    startBroker(place),
  ])
  await makeDatabases(place, server.socket)
  return {
    database: account =>
      `mysql+pymysql://${account}:${place.passwords[account]}@localhost/${account}?charset=utf8&unix_socket=${server.socket}`,
    neighboursUrl: broker.url('neutron', place.passwords.neutron, virtualHosts.neighbours),
    novaUrl: broker.url('nova', place.passwords.nova, virtualHosts.nova),
    async close() {
      await broker.close()
      await server.stop()
    },
  }
}
