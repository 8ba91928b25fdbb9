import { createHash, randomBytes } from 'node:crypto'
import { computeContract } from '../contracts/compute.ts'
import { conductorContract } from '../contracts/conductor.ts'
import { lifeIdPattern, names, userOfHost } from './names.ts'

export interface BrokerAccount {
  readonly name: string
  readonly password: string
}

export interface HostAccount {
  readonly host: string
  readonly password: string
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')

/** As RabbitMQ keeps it: the salt, then the hash over salt and password. */
function passwordHash(password: string): string {
  const salt = randomBytes(4)
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64')
}

const user = ({ name, password }: BrokerAccount) => ({
  name,
  password_hash: passwordHash(password),
  hashing_algorithm: 'rabbit_password_hashing_sha256',
  tags: [],
})

/**
 * What a host may do at the broker: have and read the queue of its own calls and that of its own answers, and write to
 * the exchanges that lead to the conductors and to the answers of the control plane. Nothing else.
 */
export function hostPermissions(prefix: string, host: string) {
  const called = names(prefix)
  const own = `${escaped(called.queue(computeContract.topic, host))}|${escaped(called.replyQueue(userOfHost(host), ''))}${lifeIdPattern}`
  const exchanges = [called.exchange(conductorContract.topic), called.replies].map(escaped).join('|')
  return { configure: `^(${own})$`, write: `^(${exchanges})$`, read: `^(${own})$` }
}

/** A definitions file, as `rabbitmqctl import_definitions` takes it: one user for the control plane, one for each host. */
export function brokerDefinitions(given: {
  readonly prefix: string
  readonly virtualHost: string
  readonly control: BrokerAccount
  readonly hosts: readonly HostAccount[]
}) {
  const { prefix, virtualHost: vhost, control, hosts } = given
  const called = names(prefix)
  const exchange = (name: string) => ({
    name,
    vhost,
    type: 'direct',
    durable: true,
    auto_delete: false,
    internal: false,
    arguments: {},
  })
  return {
    users: [user(control), ...hosts.map(({ host, password }) => user({ name: userOfHost(host), password }))],
    vhosts: [{ name: vhost }],
    permissions: [
      { user: control.name, vhost, configure: '.*', write: '.*', read: '.*' },
      ...hosts.map(({ host }) => ({ user: userOfHost(host), vhost, ...hostPermissions(prefix, host) })),
    ],
    exchanges: [exchange(called.replies), exchange(called.exchange(conductorContract.topic))],
  }
}
